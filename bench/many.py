"""Times one command that looks at twelve hosts against one that looks at a single one of them.

Twelve simulated machines answer behind twelve real OpenSSH servers on loopback; rounds are
interleaved, the single host is another one each round. Two ways of answering: `elsewhere`, after a
fixed time and without work here, as hosts of their own do; and `here`, by the real probe, so that
thirteen machines share this one's processors.
"""

from __future__ import annotations

import argparse
import os
import stat
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.loopback import Loopback
from preflight.capture import encode
from preflight.demo import machine
from preflight.demo.materialise import materialise

ROOT = Path(__file__).resolve().parent.parent
MACHINES = [
    "rtx4090x2", "rtx4090-rtx3090", "lost-card", "no-driver", "x1-riser", "gsp-timeouts",
    "nouveau", "psu-failed", "a100-remap-failed", "h100x8-fabric-down", "rtxpro6000x8-acs",
    "dmesg-denied",
]  # fmt: skip
ANSWERS_AFTER_S = 2.0  # as long as nvidia-smi -q takes on eight cards
SIMULATED_PYTHON = ROOT / "tests" / "ssh" / "simulated_python.py"
REPLAYED = """\
import re, sys, time
line = sys.stdin.buffer.readline()
left = int(re.search(rb"left = (\\d+)", line)[1])
nonce = re.search(rb"[0-9a-f]{32}", line)[0]
sys.stdin.buffer.read(left)
time.sleep(SECONDS)
content = open(CAPTURE, "rb").read()
out = sys.stdout.buffer
out.write(b"\\n==preflight " + nonce + b" begin==\\n" + content)
out.write(b"\\n==preflight " + nonce + b" end==\\n")
out.flush()
"""


@dataclass(frozen=True)
class Run:
    wall_s: float
    cpu_s: float  # of the controller alone
    memory_mib: float


def stand_up(name: str, folder: Path, is_here: bool) -> Path:
    """A folder whose python3 answers as this machine."""
    root, programs = folder / "root", folder / "bin"
    programs.mkdir(parents=True)
    capture = machine.load(name).capture
    if is_here:
        root.mkdir()
        materialise(capture, root)
        command = f"{SIMULATED_PYTHON} {root}"
    else:
        saved, script = folder / "capture.json", folder / "replay.py"
        saved.write_bytes(encode(capture))
        text = REPLAYED.replace("SECONDS", str(ANSWERS_AFTER_S)).replace(
            "CAPTURE", repr(str(saved))
        )
        script.write_text(text)
        command = str(script)
    python = programs / "python3"
    python.write_text(f"#!/bin/sh\nexec {sys.executable} -I {command}\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return programs


def look(hosts: Sequence[str], programs: Path) -> Run:
    argv = [sys.executable, "-m", "preflight", *hosts, "--json", os.devnull]
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    begun = time.perf_counter()
    process = subprocess.Popen(
        argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stderr
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1, 3) or b"Traceback" in told:
        sys.exit(f"{argv} ended in {process.returncode}:\n{told.decode()[-2000:]}")
    wall = time.perf_counter() - begun
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def rounds(count: int, is_here: bool) -> tuple[list[Run], list[Run]]:
    """Runs of one host and of all twelve."""
    with ExitStack() as open_now:
        folder = Path(open_now.enter_context(tempfile.TemporaryDirectory(prefix="preflight-many-")))
        servers = [
            open_now.enter_context(
                Loopback(name, f"{stand_up(name, folder / name, is_here)}:/usr/bin:/bin")
            )
            for name in MACHINES
        ]
        # One ssh_config that knows all of them, in place of the first one's own.
        servers[0].config.write_text("".join(server.config.read_text() for server in servers))
        programs = servers[0].programs
        look(MACHINES, programs)  # the first run finds cold files
        one, all_of_them = [], []
        for number in range(count):
            one.append(look([MACHINES[number % len(MACHINES)]], programs))
            all_of_them.append(look(MACHINES, programs))
    return one, all_of_them


def row(way: str, one: list[Run], many: list[Run]) -> str:
    def median(runs: list[Run], figure: str) -> float:
        return statistics.median(getattr(run, figure) for run in runs)

    a, b = median(one, "wall_s"), median(many, "wall_s")
    cells = [way, f"{a:.2f}", f"{b:.2f}", f"**{b / a:.2f}**"]
    cells += [f"{median(runs, 'cpu_s'):.2f}" for runs in (one, many)]
    cells += [f"{median(runs, 'memory_mib'):.0f}" for runs in (one, many)]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    print(
        f"{options.rounds} rounds, medians, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}\n"
    )
    print("| the hosts answer | one, s | twelve, s | ratio | CPU s | CPU s | MiB | MiB |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for way, is_here in ((f"elsewhere, after {ANSWERS_AFTER_S:g} s", False), ("here", True)):
        print(row(way, *rounds(options.rounds, is_here)), flush=True)


if __name__ == "__main__":
    main()
