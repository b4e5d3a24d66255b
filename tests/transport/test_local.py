"""This machine without SSH."""

import os
from pathlib import Path

import pytest

from preflight.capture import Capture
from preflight.errors import PreflightError, ProbeFailed
from preflight.transport import Request, fetch_all
from tests.transport.fake_probe import ANSWERS, fake_probe
from tests.transport.told import Told


def here(probe: bytes, **request: str | bool) -> Capture | PreflightError:
    [found] = fetch_all(["localhost"], Request(**request), Told(), probe)  # type: ignore[arg-type]
    return found


def test_a_capture_comes_without_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    found = here(ANSWERS)
    assert isinstance(found, Capture), repr(found)
    assert found.controller.host == "localhost"
    assert found.controller.rtt_s is None


def test_a_large_probe_and_a_large_capture_pass_through_pipes() -> None:
    probe = fake_probe(f"deliver(level='look', padding='x' * {3 << 20})\n" + f"# {'y' * (1 << 20)}")
    assert isinstance(here(probe), Capture)


def test_a_password_comes_straight_after_the_probe() -> None:
    probe = fake_probe(
        "given = sys.stdin.buffer.readline()\n"
        "deliver(probe={'user': given.decode() + ' '.join(sys.argv[1:])})\n"
    )
    found = here(probe, sudo=True, sudo_password="open sesame")
    assert isinstance(found, Capture), repr(found)
    assert found.probe.user.startswith("open sesame\n--level look --stream ")
    assert found.probe.user.endswith(" --sudo --sudo-password-stdin")


def test_python_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = here(ANSWERS)
    assert isinstance(found, ProbeFailed)
    assert "no python3" in str(found)


def test_a_probe_that_does_not_end_is_ended() -> None:
    probe = fake_probe(
        "step(str(os.getpid()))\n"
        "for number in (signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)\n"
        "deliver()\nsignal.pause()\n"
    )
    told = Told()
    [found] = fetch_all(["localhost"], Request(), told, probe)
    assert isinstance(found, Capture)
    pid = int(told.steps[0][1].name)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
