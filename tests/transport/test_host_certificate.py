"""Certificates made by ssh-keygen, and whatever can be done to their bytes."""

import base64
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from preflight.transport.host_certificate import objection

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="NO ssh-keygen here")
NOW_S = 1_800_000_000.0


def keygen(path: Path, kind: str) -> Path:
    bits = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *bits, "-N", "", "-f", path], check=True)
    return path


def wire(path: Path) -> bytes:
    return base64.b64decode(path.read_text().split()[1])


@pytest.fixture(params=["ed25519", "ecdsa", "rsa"])
def ca(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return keygen(tmp_path / "ca", request.param)


def signed(ca: Path, *options: str, principal: str = "gpu01", kind: str = "ed25519") -> bytes:
    key = keygen(ca.with_name("host"), kind)
    names = ["-n", principal] if principal else []
    argv = ["ssh-keygen", "-q", "-s", ca, "-I", "test", *names, *options, f"{key}.pub"]
    subprocess.run(argv, check=True, capture_output=True)
    return wire(Path(f"{key}-cert.pub"))


def objected(certificate: bytes, ca: Path, name: str = "gpu01") -> str:
    return objection(certificate, name, {wire(Path(f"{ca}.pub"))}, NOW_S)


def test_a_hosts_own_certificate_proves_it(ca: Path) -> None:
    certificate = signed(ca, "-h", principal="gpu01,*.lab")
    assert objected(certificate, ca) == ""
    assert objected(certificate, ca, "gpu07.lab") == ""
    assert objected(certificate, ca, "gpu02") == "it is for gpu01, *.lab, not for gpu02"
    assert objection(certificate, "gpu01", set(), NOW_S) == "no known CA signed it"


def test_a_users_certificate_proves_no_host(ca: Path) -> None:
    assert objected(signed(ca), ca) == "it is a user's, not a host's"


def test_one_without_a_name_is_for_nobody(ca: Path) -> None:
    assert objected(signed(ca, "-h", principal=""), ca).startswith("it is for no name at all")


def test_options_that_are_not_understood_are_not_passed_over(ca: Path) -> None:
    certificate = signed(ca, "-h", "-O", "critical:only-on-sunday=yes")
    assert "only-on-sunday" in objected(certificate, ca)


def test_time_counts(ca: Path) -> None:
    certificate = signed(ca, "-h", "-V", "20260101:20260301")
    trusted = {wire(Path(f"{ca}.pub"))}
    for now_s, says in ((1.760e9, "not valid yet"), (1.770e9, ""), (1.780e9, "expired")):
        said = objection(certificate, "gpu01", trusted, now_s)
        assert says in said
        assert bool(says) == bool(said)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_no_changed_byte_is_accepted_and_none_is_a_defect(ca: Path, kind: str) -> None:
    certificate = signed(ca, "-h", kind=kind)
    assert objected(certificate, ca) == ""
    rng = random.Random(1)
    said = set()
    for _ in range(400):
        changed = bytearray(certificate)
        place = rng.randrange(len(changed))
        changed[place] ^= rng.randrange(1, 256)
        said.add(objected(bytes(changed), ca))
        said.add(objected(certificate[:place], ca))
    assert "" not in said
    assert "its signature is wrong" in said


def test_what_is_no_certificate_is_said(ca: Path) -> None:
    assert objected(wire(Path(f"{ca}.pub")), ca) == "it is not a certificate"
    for nonsense in (b"", b"\0", b"\0\0\0\x04abcd", b"\xff" * 64):
        assert "not understood" in objected(nonsense, ca)
