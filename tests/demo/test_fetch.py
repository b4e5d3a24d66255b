"""Taking a simulated machine's capture leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight import demo
from preflight.demo import machine
from preflight.errors import ProbeFailed, UsageError
from preflight.findings import Level
from preflight.transport import Step
from tests.demo.built import probe

HANGS = """
import msgspec, sys
from pathlib import Path
from preflight import demo
from preflight.demo import machine
from preflight.findings import Level
capture = machine.load(demo.DEFAULT).capture
for name in ("lspci", "dmesg"):
    capture.sources[name] = msgspec.structs.replace(capture.sources[name], status="timed-out")
def told(host, step):
    print(step.name, flush=True)
demo.observe("hangs", capture, Level.LOOK, told, Path(sys.argv[1]).read_bytes())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_steps_are_told_and_nothing_is_left(folder: Path) -> None:
    steps: list[Step] = []
    capture = demo.observe(
        "twin",
        machine.load(demo.DEFAULT).capture,
        Level.LOOK,
        lambda host, step: steps.append(step) if host == "twin" else pytest.fail(host),
        probe(),
    )
    assert [step.done for step in steps] == list(range(1, len(capture.sources) + 1))
    assert {step.name for step in steps} == set(capture.sources)
    assert (capture.simulated, capture.controller.host) == ("twin", "twin")
    assert capture.controller.started < capture.controller.finished
    assert list(folder.iterdir()) == []


def test_a_probe_that_ends_ill_says_why(folder: Path) -> None:
    with pytest.raises(ProbeFailed, match="the probe ended with 1"):
        demo.observe(
            "twin",
            machine.load(demo.DEFAULT).capture,
            Level.LOOK,
            lambda *_: None,
            b"not an archive",
        )
    assert list(folder.iterdir()) == []


def test_a_machine_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="no simulated machine 'x'") as refused:
        demo.fetch("x", Level.LOOK, lambda *_: None)
    assert demo.DEFAULT in refused.value.hint


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("send", [os.killpg, os.kill], ids=["terminal", "controller alone"])
def test_ctrl_c_ends_every_process_and_leaves_no_folder(
    folder: Path, send: Callable[[int, int], None]
) -> None:
    archive = folder / "probe"
    archive.write_bytes(probe())
    process = subprocess.Popen(
        [sys.executable, "-c", HANGS, archive],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OF_THIS_TEST": str(folder)},
    )
    assert process.stdout
    assert process.stdout.readline(), "the probe is at work"
    assert "launcher.py" in " ".join(of_this_test(folder))
    send(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert "KeyboardInterrupt" in errors
    assert "launcher.py" not in " ".join(of_this_test(folder))
    assert list(folder.iterdir()) == [archive]
    while of_this_test(folder):  # what the probe killed takes a moment to be gone
        pass


def of_this_test(folder: Path) -> list[str]:
    """Command lines of the processes that inherited this test's mark."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if f"OF_THIS_TEST={folder}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found
