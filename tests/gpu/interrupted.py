#!/usr/bin/env python3
"""Ends the probe in the middle of measurements of a real GPU, and looks what it leaves there.

    python3 tests/gpu/interrupted.py preflight/probe.pyz [STEP…]

For each step and each way to end: starts `--level measure`, waits until the step has begun, ends
the probe, and waits until none of its processes lives and NVML lists none on any card. A line a
try; exit status 1 where something was left after 5 s.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

STEPS = ["host-copies", "device-memory", "compute", "together", "peers", "own-allreduce"]
STEPS += ["peers-together", "nccl-allreduce"]
LIMIT_S = 5.0
INTO_S = 0.6  # after the step has begun: its work is on the card by then

Probe = subprocess.Popen[bytes]


def by_signal(number: int) -> Callable[[Probe], None]:
    return lambda probe: probe.send_signal(number)


def by_closing(probe: Probe) -> None:
    """The connection ends: nobody sends any more."""
    assert probe.stdin is not None
    probe.stdin.close()


WAYS = {
    "SIGTERM": by_signal(signal.SIGTERM),
    "SIGKILL": by_signal(signal.SIGKILL),
    "connection closed": by_closing,
}


def started(path: str) -> Probe:
    arguments = [sys.executable, path, "--level", "measure", "--stream", "0123456789abcdef"]
    return subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def steps(probe: Probe) -> Iterator[str]:
    """Names of the steps as they begin; the controller's sign of life is sent meanwhile."""
    assert probe.stdin is not None
    assert probe.stderr is not None
    for line in probe.stderr:
        probe.stdin.write(b"\n")
        probe.stdin.flush()
        event = json.loads(line) if line.startswith(b"{") else {}
        if event.get("event") == "step":
            yield event["name"]


def family(pid: int) -> set[int]:
    """The process and all that it started, at any depth."""
    found = {pid}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found |= family(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def on_cards() -> set[int]:
    listed = subprocess.run(
        ["nvidia-smi", "--query-compute-apps=pid", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {int(word) for word in listed.stdout.split() if word.isdigit()}


def attempt(path: str, step: str, end: Callable[[Probe], None], others: set[int]) -> str:
    with started(path) as probe:
        if step not in steps(probe):
            probe.kill()
            return "not a step here"
        time.sleep(INTO_S)
        processes = family(probe.pid)
        end(probe)
        begin = time.monotonic()
        while time.monotonic() < begin + LIMIT_S:
            left = {pid for pid in processes if pid != probe.pid and is_alive(pid)}
            if probe.poll() is not None and not left and not on_cards() - others:
                took_s = time.monotonic() - begin
                return f"{len(processes)} processes, none left after {took_s:.2f} s"
            time.sleep(0.02)
        probe.kill()
        return f"LEFT: processes {sorted(left)}, on the cards {sorted(on_cards() - others)}"


def main(path: str, *chosen: str) -> int:
    others, shared = on_cards(), set(os.listdir("/dev/shm"))
    found = []
    for step in chosen or STEPS:
        for way, end in WAYS.items():
            found.append(attempt(path, step, end, others))
            print(f"{step:16} {way:18} {found[-1]}", flush=True)
    files = sorted(set(os.listdir("/dev/shm")) - shared)
    print(f"new in /dev/shm: {', '.join(files) or 'nothing'}")
    return 1 if files or any(words.startswith("LEFT") for words in found) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
