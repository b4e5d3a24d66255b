"""However the probe ends, nothing of it is left: no process, no file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.probe.machine import PATIENCE_S, alive, children, tool, wait_for
from tests.probe.streaming import WAITING, launch, send


@pytest.fixture
def hanging(tmp_path: Path) -> Path:
    """A machine whose dmesg and df hang, one ignoring what it can; each leaves its pid."""
    root = tmp_path / "host"
    tool(root, "dmesg", f"trap '' TERM HUP INT; echo $$ > {tmp_path}/dmesg.pid; exec sleep 1000")
    tool(root, "df", f"echo $$ > {tmp_path}/df.pid; sleep 1000")
    return root


def started(tmp_path: Path) -> list[int]:
    """The pids of the tools that hang, once they do."""

    def pids() -> list[int]:
        written = [tmp_path / f"{name}.pid" for name in ("dmesg", "df")]
        texts = [path.read_text().strip() for path in written if path.exists()]
        return [int(text) for text in texts if text]

    return wait_for(lambda: pids() if len(pids()) == 2 else [], "two hanging tools")  # type: ignore[no-any-return]


@pytest.fixture
def by_hand(probe: Path, hanging: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, str(probe), "--root", str(hanging)]
    with launch(command, tmp_path / "temporary") as process:
        yield process
        process.kill()


def gone(process: subprocess.Popen[bytes], pids: list[int], temporary: Path) -> int:
    """The exit status, when neither a process nor a file is left."""
    status = process.wait(PATIENCE_S)
    wait_for(lambda: not any(map(alive, pids)), "the end of all children")
    assert list(temporary.iterdir()) == []
    return status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_a_signal_ends_all(
    by_hand: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals
) -> None:
    tools = started(tmp_path)
    pids = {*tools, *children(by_hand.pid)}
    by_hand.send_signal(number)
    expected = -number if number is signal.SIGKILL else 128 + number
    assert gone(by_hand, sorted(pids), tmp_path / "temporary") == expected


def test_a_broken_stderr_ends_all(by_hand: subprocess.Popen[bytes], tmp_path: Path) -> None:
    tools = started(tmp_path)
    assert by_hand.stderr is not None
    by_hand.stderr.close()
    assert gone(by_hand, tools, tmp_path / "temporary") == 1


@pytest.fixture
def stream(probe: Path, hanging: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with launch(WAITING, tmp_path / "temporary") as process:
        send(process, probe, "--root", str(hanging))
        yield process
        process.kill()


def test_the_end_of_input_ends_all(stream: subprocess.Popen[bytes], tmp_path: Path) -> None:
    pids = [*started(tmp_path), *children(stream.pid)]
    assert stream.stdin is not None
    stream.stdin.close()
    assert gone(stream, pids, tmp_path / "temporary") == 1


def test_silence_ends_all(stream: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """A cut network: nothing comes any more, and no end of file either."""
    pids = [*started(tmp_path), *children(stream.pid)]
    assert gone(stream, pids, tmp_path / "temporary") == 1


def test_no_child_holds_the_connection_open(probe: Path, tmp_path: Path, nvml_folder: Path) -> None:
    """One that hangs in the kernel cannot be killed, and sshd waits until nobody holds stdout."""
    env = {"LD_LIBRARY_PATH": str(nvml_folder), "STAND_IN_HANG": "init"}
    (tmp_path / "host").mkdir()
    with launch(WAITING, tmp_path / "temporary", **env) as process:
        send(process, probe, "--root", str(tmp_path / "host"))
        streams = {os.readlink(f"/proc/{process.pid}/fd/{number}") for number in (0, 1, 2)}

        def idle() -> list[int]:
            return [pid for pid in children(process.pid) if sleeps_in_nvml(pid)]

        pid = wait_for(idle, "the child that hangs in NVML")[0]
        held = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
        assert len(streams) == 3
        assert not streams & held
        process.kill()


def sleeps_in_nvml(pid: int) -> bool:
    """Has it loaded the library, and does it sleep?"""
    try:
        return "libnvidia-ml" in Path(f"/proc/{pid}/maps").read_text() and (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"
        )
    except FileNotFoundError:
        return False
