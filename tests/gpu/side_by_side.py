"""Our measurements beside those of others, on one real card and in one run.

    python3 tests/gpu/side_by_side.py NVBANDWIDTH > table.txt

Needs torch and a built nvbandwidth. Several rounds, so that what else the host does meets all of
them; each figure is the median of a round's samples. What crosses the host's memory is compared by
the best round, too: neighbours of a guest only take away.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from preflight.probe import cuda, measure_compute, measure_copy, measure_memory
from preflight.probe.record import Record
from preflight.probe.tree import Tree

Say = Callable[[str, float], None]

ROUNDS, HOST_ROUNDS = 5, 12
COPIES, SAMPLES = 64, 9
HOST_TESTS = {
    "host-to-device": "host_to_device_memcpy_ce",
    "device-to-host": "device_to_host_memcpy_ce",
}


def in_child(work: Callable[[Say], None]) -> dict[str, float]:
    """What `work` says, from a process of its own, which leaves nothing on the card."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        work(lambda name, value: os.write(writing, json.dumps([name, value]).encode() + b"\n"))  # type: ignore[arg-type]
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as lines:
        found = dict(json.loads(line) for line in lines)
    os.waitpid(pid, 0)
    return found


def recorder(say: Say) -> Record:
    def emit(*keys_and_value: object) -> None:
        entry = keys_and_value[-1]
        if isinstance(entry, dict) and entry.get("samples"):
            say(entry["name"], statistics.median(entry["samples"]))

    return Record(lambda words: None, emit)


def insides(say: Say) -> None:
    card = cuda.Cuda().cards()[0]
    measure_memory.device_memory(card, recorder(say))
    measure_compute.compute(card, recorder(say))


def links(say: Say) -> None:
    card = cuda.Cuda().cards()[0]
    measure_copy.host_copies(Tree("/"), card, recorder(say))


def torchs(say: Say) -> None:
    import torch  # type: ignore[import-not-found]

    size = 1 << 30
    one = torch.randint(0, 255, (size,), dtype=torch.uint8, device="cuda")
    two = torch.empty_like(one)
    samples = []
    for _ in range(SAMPLES + 1):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(COPIES):
            two.copy_(one)
        end.record()
        end.synchronize()
        samples.append(2 * size * COPIES / start.elapsed_time(end) / 1e6)
    say("torch device copy", statistics.median(samples[1:]))


def nvbandwidths(program: str, tests: dict[str, str]) -> dict[str, float]:
    """The first card's column."""
    found = {}
    for name, test in tests.items():
        done = subprocess.run([program, "-t", test], capture_output=True, text=True, check=True)
        row = re.findall(r"^ *0 +([\d.]+)", done.stdout.partition("memcpy")[2], re.MULTILINE)
        found["nvbandwidth " + name] = float(row[-1]) * (2 if name == "device copy" else 1)
    return found


def main() -> None:
    program = sys.argv[1]
    table: dict[str, list[float]] = {}

    def keep(found: dict[str, float]) -> None:
        for name, value in found.items():
            table.setdefault(name, []).append(value)

    for _ in range(ROUNDS):
        keep(in_child(insides))
        keep(nvbandwidths(program, {"device copy": "device_local_copy"}))
        keep(in_child(torchs))
    for _ in range(HOST_ROUNDS):
        keep(in_child(links))
        keep(nvbandwidths(program, HOST_TESTS))
    for name, values in table.items():
        middle = statistics.median(values)
        spread = (max(values) - min(values)) / middle * 100
        print(f"{name:28} median {middle:9.2f}  best {max(values):9.2f}  spread {spread:5.2f} %")
        print("   ", *(f"{value:.2f}" for value in values))


if __name__ == "__main__":
    main()
