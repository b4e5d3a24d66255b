"""Twelve simulated machines behind twelve real SSH servers, judged by one command side by side."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from preflight.demo import machine
from preflight.demo.materialise import materialise
from tests.ssh.conftest import Person, Sshd
from tests.test_hosts import expected

SIMULATED_PYTHON = Path(__file__).with_name("simulated_python.py")
MACHINES = [
    "rtx4090x2", "rtx4090-rtx3090", "lost-card", "no-driver", "x1-riser", "gsp-timeouts",
    "nouveau", "psu-failed", "a100-remap-failed", "h100x8-fabric-down", "rtxpro6000x8-acs",
    "dmesg-denied",
]  # fmt: skip
EXIT = {"accept": 0, "reject": 1, "unknown": 3}


@pytest.fixture
def fleet(server: Callable[..., Sshd], person: Person, tmp_path: Path) -> list[Sshd]:
    return [_serve(name, server(), person, tmp_path / name) for name in MACHINES]


def _serve(name: str, sshd: Sshd, person: Person, folder: Path) -> Sshd:
    root, programs = folder / "root", folder / "bin"
    for made in (root, programs):
        made.mkdir(parents=True)
    materialise(machine.load(name).capture, root)
    python = programs / "python3"
    python.write_text(f"#!/bin/sh\nexec {sys.executable} -I {SIMULATED_PYTHON} {root}\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    sshd.start(path=f"{programs}:/usr/bin:/bin")
    person.knows(sshd)
    return sshd


def preflight(person: Person, *arguments: str) -> tuple[int, list[dict[str, object]], int]:
    """Exit status, reports, and the most memory that it held, in KiB."""
    argv = [sys.executable, "-m", "preflight", *arguments, "--level", "look", "--json", "-"]
    environment = {**os.environ, "PATH": person.path}
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    reports = json.loads(told)
    return process.returncode, reports if isinstance(reports, list) else [reports], usage.ru_maxrss


def seconds(report: dict[str, object], key: str) -> float:
    return datetime.fromisoformat(str(report[key])).timestamp()


def test_twelve_hosts_are_judged_side_by_side(fleet: list[Sshd], person: Person) -> None:
    status, reports, held = preflight(person, *(host.target for host in fleet))
    verdicts = [expected(name)["verdict"] for name in MACHINES]
    assert [report["verdict"] for report in reports] == verdicts
    assert status == max(EXIT[verdict] for verdict in verdicts)
    begins = [seconds(report, "started") for report in reports]
    ends = [seconds(report, "finished") for report in reports]
    each = [end - begin for begin, end in zip(begins, ends, strict=True)]
    assert max(ends) - min(begins) < sum(each) / 3, "most of the time most hosts are under way"
    _, _, held_for_one = preflight(person, fleet[0].target)
    assert held < 2 * held_for_one  # 58 MiB for one, 69 for twelve, 79 for twenty-four
