"""What ssh-keygen makes of a known_hosts file is what we make of it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from preflight.errors import UsageError
from preflight.transport.known_hosts import fingerprint, key_type, read, remember

needs_keygen = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="NO ssh-keygen here")


@pytest.fixture
def public(tmp_path: Path) -> str:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return " ".join(Path(f"{path}.pub").read_text().split()[:2])


def found(path: Path, name: str) -> int:
    return sum(entry.speaks_of(name) for entry in read([path]))


@needs_keygen
def test_hashed_names_are_those_of_ssh_keygen(tmp_path: Path, public: str) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"[gpu01]:2222 {public}\nother {public}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True)
    assert "gpu01" not in path.read_text()
    assert found(path, "[gpu01]:2222") == 1
    assert found(path, "gpu01") == 0


@needs_keygen
@pytest.mark.parametrize("hashed", [True, False])
def test_what_we_remember_ssh_keygen_finds(tmp_path: Path, public: str, hashed: bool) -> None:
    path = tmp_path / "new" / "known_hosts"
    [entry] = read([_file(tmp_path, f"x {public}\n")])
    remember(path, "[gpu01]:2222", entry.key, hashed)
    remember(path, "gpu02", entry.key, hashed)
    for name in ("[gpu01]:2222", "gpu02"):
        subprocess.run(["ssh-keygen", "-F", name, "-f", path], check=True, capture_output=True)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert ("gpu01" in path.read_text()) is not hashed


@needs_keygen
def test_an_open_last_line_is_ended_first(tmp_path: Path, public: str) -> None:
    path = _file(tmp_path, f"gpu01 {public}")
    remember(path, "gpu02", read([path])[0].key, hashed=False)
    assert found(path, "gpu01") == found(path, "gpu02") == 1


@needs_keygen
def test_a_fingerprint_is_that_of_ssh_keygen(tmp_path: Path, public: str) -> None:
    [entry] = read([_file(tmp_path, f"x {public}\n")])
    told = subprocess.run(
        ["ssh-keygen", "-l", "-f", tmp_path / "key"], check=True, capture_output=True, text=True
    ).stdout
    assert fingerprint(entry.key) in told
    assert key_type(entry.key) == "ssh-ed25519"


@pytest.mark.parametrize(
    ("names", "name", "speaks"),
    [
        ("gpu01", "gpu01", True),
        ("GPU01", "gpu01", True),
        ("gpu01", "gpu011", False),
        ("gpu*", "gpu01", True),
        ("gpu?1", "gpu01", True),
        ("gpu?1", "gpu1", False),
        ("a,b,gpu01", "gpu01", True),
        ("*,!gpu01", "gpu01", False),
        ("!gpu01", "gpu02", False),
        ("[gpu01]:2222", "[gpu01]:2222", True),
        ("[gpu*]:2222", "[gpu01]:2222", True),
        ("gpu.1", "gpux1", False),
        ("|1|nonsense", "gpu01", False),
        ("|1|", "gpu01", False),
    ],
)
def test_names_match_as_in_sshd_8(tmp_path: Path, names: str, name: str, speaks: bool) -> None:
    path = _file(tmp_path, f"{names} ssh-ed25519 AAAA\n")
    assert bool(found(path, name)) is speaks


def test_bad_lines_leave_hosts_unknown_but_a_bad_revocation_is_an_error(tmp_path: Path) -> None:
    path = _file(tmp_path, "# a comment\n\ngpu01\ngpu01 ssh-ed25519 %%%\ngpu01 ssh-rsa\n\xff\n")
    assert read([path]) == []
    path.write_text("@revoked gpu01 ssh-ed25519 %%%\n")
    with pytest.raises(UsageError, match=r"known_hosts:1: .*@revoked"):
        read([path])


def test_a_file_that_is_not_there_is_empty_and_one_that_cannot_be_read_is_an_error(
    tmp_path: Path,
) -> None:
    assert read([tmp_path / "none", tmp_path / "none" / "deeper"]) == []
    with pytest.raises(UsageError, match="cannot be read"):
        read([tmp_path])


def _file(folder: Path, text: str) -> Path:
    path = folder / "known_hosts"
    path.write_text(text)
    return path
