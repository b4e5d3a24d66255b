import pytest

from preflight.errors import UsageError
from preflight.transport.target import Target, parse


@pytest.mark.parametrize(
    ("typed", "host", "user", "port"),
    [
        ("gpu01", "gpu01", None, None),
        ("root@gpu01", "gpu01", "root", None),
        ("root@gpu01:2222", "gpu01", "root", 2222),
        ("ann@corp@gpu01", "gpu01", "ann@corp", None),
        ("CORP\\ann@gpu01", "gpu01", "CORP\\ann", None),
        ("10.0.0.1:65535", "10.0.0.1", None, 65535),
        ("::1", "::1", None, None),
        ("root@fe80::1%eth0", "fe80::1%eth0", "root", None),
        ("[::1]", "::1", None, None),
        ("root@[2001:db8::7]:2222", "2001:db8::7", "root", 2222),
        ("gpu_01.lab-2", "gpu_01.lab-2", None, None),
    ],
)
def test_a_host_is_taken_apart(typed: str, host: str, user: str | None, port: int | None) -> None:
    assert parse(typed) == Target(typed, host, user, port)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "@",
        "root@",
        "@gpu01",
        "-oProxyCommand=id",
        "root@-oProxyCommand=id",
        "-l@gpu01",
        "gpu 01",
        " gpu01",
        "gpu01\n",
        "gpu\x1b[2J01",
        "gpu\x7f01",
        "gpu\u200101",
        "gpu\ud80001",
        "$(id)",
        "gpu01;id",
        "`id`@gpu01",
        "gpu01:0",
        "gpu01:65536",
        "gpu01:22x",
        "gpu01:",
        "gpu01:٢٢",
        "[::1",
        "[gpu01]:22",
        "[::1]22",
        "[::1]:",
        "1:2:3",
        "ssh://gpu01",
        "../gpu01",
        "gpu*",
        "x" * 1025,
    ],
)
def test_nonsense_is_refused(typed: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(typed)
    assert refused.value.hint
    assert "\n" not in str(refused.value)


def test_only_a_bare_localhost_is_local() -> None:
    assert parse("localhost").is_local
    for typed in ("root@localhost", "localhost:22", "LOCALHOST", "127.0.0.1", "::1"):
        assert not parse(typed).is_local
