"""Ways to a host: aliases, Include, Match, jump hosts, ProxyCommand, IPv6."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.capture import Capture
from preflight.errors import (
    HostKeyUnknown,
    LoginRefused,
    PreflightError,
    ProbeFailed,
    Unreachable,
    UsageError,
)
from preflight.transport import Request, fetch_all, ssh_config
from preflight.transport.target import parse
from tests.ssh.conftest import LOOPBACK, USER, Person, Sshd, keygen
from tests.ssh.look import lets_in, look, refuses
from tests.transport.fake_probe import ANSWERS
from tests.transport.told import Told

Server = Callable[..., Sshd]


def alias(name: str, sshd: Sshd, more: str = "") -> str:
    return f"Host {name}\n  HostName {sshd.address}\n  Port {sshd.port}\n  User {USER}\n{more}"


def connections(sshd: Sshd) -> int:
    return (sshd.folder / "log").read_text().count("Accepted publickey")


@pytest.fixture
def jump(server: Server, person: Person) -> Sshd:
    made: Sshd = server().start()
    person.knows(made)
    return made


def test_an_alias_from_an_included_file(sshd: Sshd, person: Person) -> None:
    (person.folder / "more").write_text(alias("gpu01", sshd))
    person.write_config(f"Include {person.folder}/more\n")
    lets_in("gpu01")


def test_match_blocks_hold(sshd: Sshd, person: Person) -> None:
    person.write_config(
        f"Match originalhost gpu01 exec true\n  HostName {sshd.address}\n  Port {sshd.port}\n"
        "Match originalhost gpu01 exec false\n  ProxyCommand false\n"
    )
    lets_in("gpu01")


def test_what_is_typed_counts_more_than_ssh_config(sshd: Sshd, person: Person) -> None:
    person.write_config(f"Host gpu01\n  HostName {sshd.address}\n  Port 1\n  User nobody\n")
    lets_in(f"{USER}@gpu01:{sshd.port}")


def test_a_broken_ssh_config_is_the_persons_to_mend(sshd: Sshd, person: Person) -> None:
    person.write_config("Host *\n  Prot 22\n")
    assert "Bad configuration option" in refuses(sshd.target, UsageError)


@pytest.mark.skipif(
    not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists(), reason="NO IPv6 here"
)
@pytest.mark.parametrize("typed", ["[::1]:{port}", "root@[::1]:{port}", "{user}@[::1]:{port}"])
def test_ipv6(server: Server, person: Person, typed: str) -> None:
    if "root@" in typed and USER != "root":
        pytest.skip("not root")
    sshd = server(address="::1").start()
    person.knows(sshd)
    lets_in(typed.format(port=sshd.port, user=USER))


def test_through_a_jump_host(sshd: Sshd, jump: Sshd, person: Person) -> None:
    person.write_config(alias("gpu01", sshd, f"  ProxyJump {jump.target}\n"))
    lets_in("gpu01")
    assert connections(jump) == connections(sshd) == 1


def test_through_two_jump_hosts_in_their_order(
    sshd: Sshd, jump: Sshd, server: Server, person: Person
) -> None:
    second = server().start(f"PermitOpen {sshd.address}:{sshd.port}")
    person.knows(second)
    person.write_config(alias("gpu01", sshd, f"  ProxyJump {jump.target},{second.target}\n"))
    lets_in("gpu01")
    assert [connections(each) for each in (jump, second, sshd)] == [1, 1, 1]


def test_a_jump_host_may_be_an_alias_with_a_jump_host_of_its_own(
    sshd: Sshd, jump: Sshd, server: Server, person: Person
) -> None:
    first = server().start()
    person.knows(first)
    person.write_config(
        alias("gpu01", sshd, "  ProxyJump inner\n")
        + alias("inner", jump, "  ProxyJump outer\n")
        + alias("outer", first)
    )
    lets_in("gpu01")
    assert [connections(each) for each in (first, jump, sshd)] == [1, 1, 1]


def test_a_jump_hosts_key_is_verified_too(sshd: Sshd, server: Server, person: Person) -> None:
    jump = server().start()
    person.write_config(alias("gpu01", sshd, f"  ProxyJump {jump.target}\n"))
    found = look("gpu01")
    assert isinstance(found, HostKeyUnknown)
    assert jump.target in str(found)
    assert connections(jump) == connections(sshd) == 0


def test_a_refused_login_says_on_which_host(sshd: Sshd, jump: Sshd, person: Person) -> None:
    person.write_config(alias("gpu01", sshd, f"  ProxyJump {jump.target}\n"))
    sshd.authorized.write_text("")
    assert f"gpu01 ({sshd.target})" in refuses("gpu01", LoginRefused)
    jump.authorized.write_text("")
    found = look("gpu01")
    assert isinstance(found, LoginRefused)
    assert str(found).startswith(jump.target)


@pytest.mark.parametrize(
    ("option", "says"),
    [("AllowTcpForwarding no", "prohibited"), ("", "Connect failed")],
)
def test_a_jump_host_that_leads_nowhere(
    server: Server, person: Person, option: str, says: str
) -> None:
    jump = server().start(option)
    person.knows(jump)
    gone = server()
    gone.start()
    gone.stop()
    person.write_config(alias("gpu01", gone, f"  ProxyJump {jump.target}\n"))
    assert says in refuses("gpu01", Unreachable)


def test_a_loop_of_jump_hosts_is_found(person: Person) -> None:
    person.write_config("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    found = look("a")
    assert isinstance(found, UsageError)
    assert "loop" in str(found)


def test_a_proxy_command(sshd: Sshd, jump: Sshd, person: Person) -> None:
    command = f"ssh -F {person.config} -W %h:%p -p {jump.port} {jump.address}"
    person.write_config(alias("gpu01", sshd, f"  ProxyCommand {command}\n"))
    lets_in("gpu01")
    assert connections(jump) == connections(sshd) == 1


def test_a_proxy_command_that_fails_is_told_in_its_own_words(sshd: Sshd, person: Person) -> None:
    person.write_config(
        alias("gpu01", sshd, "  ProxyCommand sh -c 'echo no way to %h >&2; exit 3'\n")
    )
    found = look("gpu01")
    assert isinstance(found, Unreachable)
    assert str(found).endswith(f"ProxyCommand ended with 3 and said: no way to {LOOPBACK}")


def test_no_shell_reads_what_was_typed(person: Person) -> None:
    """A ProxyCommand is run by a shell; a host's name must bring nothing into it."""
    touched = person.folder / "touched"
    person.write_config("Host *\n  ProxyCommand echo %h %n\n")
    for host in (f"x;touch${{IFS}}{touched}", f"$(touch {touched})", f"x|touch\t{touched}"):
        with pytest.raises(UsageError):
            look(host)
    assert not touched.exists()


def test_a_port_where_nobody_listens(server: Server) -> None:
    gone = server()
    gone.start()
    gone.stop()
    assert "refused" in refuses(gone.target, Unreachable)


def test_a_name_that_nobody_knows() -> None:
    for name in ("gpu01.invalid", "gpu..01", "x" * 64 + ".invalid"):
        assert "no such host name" in refuses(name, Unreachable)


def test_many_hosts_behind_one_jump_host(sshd: Sshd, server: Server, person: Person) -> None:
    """A jump host drops the tenth connection that has not logged in yet."""
    jump = server().start("MaxStartups 10:100:10")
    person.knows(jump)
    names = [f"gpu{number}" for number in range(24)]
    routes = (alias(name, sshd, f"  ProxyJump {jump.target}\n") for name in names)
    person.write_config("".join(routes))
    sshd.stop()
    sshd.start("MaxStartups 10:100:10")
    found = fetch_all(names, Request(), Told(), ANSWERS)
    assert [type(each) for each in found] == [Capture] * len(names), found


@pytest.fixture
def port_that() -> Iterator[Callable[[bytes], int]]:
    """A port whose server says something that is not SSH, and then only listens."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        held: list[socket.socket] = []

        def serve(words: bytes) -> int:
            def answer() -> None:
                connection, _ = listening.accept()
                held.append(connection)
                connection.sendall(words)

            threading.Thread(target=answer, daemon=True).start()
            return int(listening.getsockname()[1])

        yield serve
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    "words",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200,
        b"SSH-1.5-old\r\n",
        b"\x16\x03\x01" + b"\x00" * 2000,
        b"SSH-2.0-odd\r\n" + b"\x00\x00\x00\x0c\x0a\x14" + b"\xff" * 2000,
        b"SSH-2.0-odd\r\n" + b"\x00\x00\x01\x0c\x04\x14" + b"\x00" * 300,
        b"SSH-2.0-odd\r\n" + b"\xff" * 2000,
    ],
    ids=["http", "ssh-1", "tls", "kexinit-cut", "kexinit-empty", "length"],
)
def test_what_answers_is_not_ssh(
    port_that: Callable[[bytes], int], person: Person, words: bytes
) -> None:
    person.write_config("Host *\n  ConnectTimeout 1\n")
    refuses(f"{LOOPBACK}:{port_that(words)}", Unreachable)


def test_a_port_that_says_nothing(port_that: Callable[[bytes], int], person: Person) -> None:
    person.write_config("Host *\n  ConnectTimeout 1\n")
    refuses(f"{LOOPBACK}:{port_that(b'')}", Unreachable)


@pytest.mark.parametrize("option", ["ForceCommand internal-sftp", "MaxSessions 0", ""])
def test_a_host_that_runs_no_command(server: Server, person: Person, option: str) -> None:
    sshd = server().start(option)
    person.knows(sshd)
    if not option:
        key = Path(f"{person.key}.pub").read_text()
        sshd.authorized.write_text(f'restrict,command="echo go away" {key}')
    found = look(sshd.target)
    assert isinstance(found, ProbeFailed), repr(found)
    assert found.hint


def test_without_an_ssh_program_the_files_are_read_by_paramiko(
    sshd: Sshd, jump: Sshd, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = person.folder / "home"
    (home / ".ssh").mkdir(parents=True)
    person.write_config(alias("gpu01", sshd, f"  ProxyJump {jump.target}\n"))
    shutil.copy(person.config, home / ".ssh/config")
    monkeypatch.setattr(ssh_config, "_home", lambda: str(home))
    monkeypatch.setenv("PATH", str(home))
    assert shutil.which("ssh") is None
    lets_in("gpu01")
    assert connections(jump) == 1
    (home / ".ssh/config").write_text("nonsense\n")
    found = look("gpu01")
    assert isinstance(found, PreflightError)
    assert isinstance(found, UsageError)


def test_a_route_holds_what_ssh_says(person: Person) -> None:
    key = keygen(person.folder / "id with space")
    person.config.write_text(
        "Host gpu01\n  HostName gpu01.example.com\n  User ann\n  Port 2222\n"
        f'  IdentityFile "{key}"\n  IdentityFile ~/.ssh/%r-%h\n  CertificateFile /c/%n-cert.pub\n'
        "  IdentitiesOnly yes\n  UserKnownHostsFile /k/one /k/two\n  GlobalKnownHostsFile none\n"
        "  HostKeyAlias Rack7\n  ConnectTimeout 3\n  HashKnownHosts yes\n"
        "  ProxyCommand nc -x %r %h %p\n"
    )
    route = ssh_config.resolve(parse("gpu01"))
    assert route.address == "ann@gpu01.example.com:2222"
    assert route.label == "gpu01 (ann@gpu01.example.com:2222)"
    assert route.identity_files[0] == key
    assert route.identity_files[1].name == "ann-gpu01.example.com"
    assert not str(route.identity_files[1]).startswith("~")
    assert route.certificate_files == (Path("/c/gpu01-cert.pub"),)
    assert route.known_hosts_files == (Path("/k/one"), Path("/k/two"))
    assert route.global_known_hosts_files == ()
    assert (route.identities_only, route.hash_known_hosts) == (True, True)
    assert (route.known_as, route.connect_timeout_s) == ("rack7", 3.0)
    assert route.proxy_command == "nc -x ann gpu01.example.com 2222"
