"""However measuring ends, no process is left on a card: not even one that hangs in the driver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.probe.machine import PATIENCE_S, alive, children, wait_for
from tests.probe.streaming import WAITING, launch, send
from tests.probe.test_measure import environment

HANGS = "hang=cuMemcpyDtoHAsync_v2:0"


def on_the_card(pid: int) -> list[int]:
    """Children that hold the driver's library, and sleep in it."""
    return [child for child in children(pid) if sleeps_in_cuda(child)]


def sleeps_in_cuda(pid: int) -> bool:
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
        # Python's own sleep is a system call too; the stand-in's hang is pause(2), number 34.
        call = Path(f"/proc/{pid}/syscall").read_text().split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "libcuda.so.1" in maps and call == "34"


@pytest.fixture
def hanging(probe: Path, cuda_folder: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The probe as the controller starts it, with a child that hangs in the driver."""
    told = environment(cuda_folder, fault=HANGS)
    with launch(WAITING, tmp_path / "temporary", **told) as process:
        send(process, probe, "--level", "measure")
        yield process
        process.kill()


@pytest.fixture
def by_hand(probe: Path, cuda_folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, str(probe), "--level", "measure"]
    told = environment(cuda_folder, fault=HANGS)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=told, **quiet) as process:
        yield process
        process.kill()


def ended(process: subprocess.Popen[bytes], pids: list[int]) -> int:
    status = process.wait(PATIENCE_S)
    wait_for(lambda: not any(map(alive, pids)), "the end of all on the card")
    return status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_frees_the_card(by_hand: subprocess.Popen[bytes], number: int) -> None:
    pids = wait_for(lambda: on_the_card(by_hand.pid), "a child that hangs in the driver")
    by_hand.send_signal(number)
    expected = -number if number == signal.SIGKILL else 128 + number
    assert ended(by_hand, [*pids, *children(by_hand.pid)]) == expected


def test_a_closed_connection_frees_the_card(hanging: subprocess.Popen[bytes]) -> None:
    pids = wait_for(lambda: on_the_card(hanging.pid), "a child that hangs in the driver")
    assert hanging.stdin is not None
    hanging.stdin.close()
    assert ended(hanging, [*pids, *children(hanging.pid)]) == 1


def test_a_controller_that_falls_silent_frees_the_card(
    hanging: subprocess.Popen[bytes],
) -> None:
    pids = wait_for(lambda: on_the_card(hanging.pid), "a child that hangs in the driver")
    assert ended(hanging, [*pids, *children(hanging.pid)]) == 1


def test_no_child_holds_the_connection_open(hanging: subprocess.Popen[bytes]) -> None:
    streams = {os.readlink(f"/proc/{hanging.pid}/fd/{number}") for number in (0, 1, 2)}
    (pid,) = wait_for(lambda: on_the_card(hanging.pid), "a child that hangs in the driver")
    held = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
    assert not streams & held
