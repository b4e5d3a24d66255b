"""The same bytes go in and the same capture comes out: over SSH, on this machine, by hand."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from preflight import capture
from preflight.capture import Capture, Source
from preflight.transport import Request, fetch_all
from tests.ssh.conftest import Person, Sshd
from tests.transport.told import Told


@pytest.fixture
def captures(
    server: Callable[..., Sshd], person: Person, probe: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Capture]:
    sshd = server()
    path = f"{sshd.python}:/usr/sbin:/usr/bin:/sbin:/bin"
    sshd.start(path=path)
    person.knows(sshd)
    told, data = Told(), probe.read_bytes()
    # One after the other: side by side, a slow tool might run out of time in one of them.
    [over_ssh] = fetch_all([sshd.target], Request(), told, data)
    # ssh itself must still be found for nothing here; the tools' PATH is the host's.
    monkeypatch.setenv("PATH", path)
    [here] = fetch_all(["localhost"], Request(), told, data)
    by_hand = subprocess.run(
        ["python3", probe, "--level", "look"],
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"PATH": path, "HOME": str(sshd.home)},
    ).stdout
    assert isinstance(over_ssh, Capture), repr(over_ssh)
    assert isinstance(here, Capture), repr(here)
    assert {host for host, _ in told.steps} == {sshd.target, "localhost"}
    assert told.ended == [(sshd.target, "read"), ("localhost", "read")]
    return {"ssh": over_ssh, "local": here, "hand": capture.decode(by_hand)}


def test_the_three_ways_read_the_same(captures: dict[str, Capture]) -> None:
    hand = captures["hand"]
    assert len(hand.sources) > 20
    assert hand.complete
    for way in ("ssh", "local"):
        other = captures[way]
        assert list(other.sources) == list(hand.sources)
        assert (other.schema, other.level, other.complete) == (hand.schema, "look", True)
        assert other.probe.uid == hand.probe.uid == os.getuid()
        assert other.probe.version == hand.probe.version
        for name, source in hand.sources.items():
            assert _shape(other.sources[name]) == _shape(source), (way, name)


def test_only_the_controller_adds_something(captures: dict[str, Capture]) -> None:
    assert captures["hand"].controller == capture.ControllerView()
    here, over_ssh = captures["local"].controller, captures["ssh"].controller
    assert (here.host, here.rtt_s, here.clock_offset_s) == ("localhost", None, None)
    assert over_ssh.rtt_s is not None
    assert over_ssh.clock_offset_s is not None
    assert 0 < over_ssh.rtt_s < 1
    # One clock; what is left is how long the probe's first line took to arrive.
    assert abs(over_ssh.clock_offset_s) < 1
    for view in (here, over_ssh):
        assert view.started <= captures["ssh"].started or view is here
        assert view.started < view.finished


def _shape(source: Source) -> dict[str, Any]:
    """A source without what time alone changes: durations, counters, other people's processes."""
    told: dict[str, Any] = msgspec.to_builtins(source)
    for volatile in ("duration_s", "stdout", "stderr", "detail"):
        told.pop(volatile, None)
    told["files"] = sorted(told.get("files", ()))
    told.pop("processes", None)
    return told
