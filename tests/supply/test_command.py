"""The command as a person and a program meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def power(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "preflight", "power", *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "gpus, psu, status",
    [
        ("2x RTX 4090", "1200W ATX2.4", 1),
        ("2x RTX 4090", "1600W ATX3.1", 0),
        ("2x RTX 4090", "1400W ATX3.1", 0),  # tight
        ("2x RTX 4090", "1200 apples", 2),
        ("2x RTX 9999", "1200W", 2),
    ],
)
def test_the_exit_status_is_the_answer(gpus: str, psu: str, status: int) -> None:
    done = power("--gpus", gpus, "--psu", psu)
    assert done.returncode == status
    assert bool(done.stdout) is (status < 2)
    assert bool(done.stderr) is (status == 2)


def test_a_person_reads_the_answer_first() -> None:
    lines = power("--gpus", "2x RTX 4090", "--psu", "1200W ATX2.4").stdout.splitlines()
    assert lines[0] == "2x GeForce RTX 4090 on 1200 W (ATX 2.4): too small"
    told = "\n".join(lines)
    assert "1 ms          1663 W   1440 W   115%   too small  inferred" in told
    assert "3 x 8-pin of 150 W" in told
    assert "rating      1540 W or more" in told


def test_several_supplies_are_told_apart_from_spare_ones() -> None:
    both = power("--gpus", "4x RTX 4090", "--psu", "2x 1600W ATX3.1").stdout
    assert both.startswith("4x GeForce RTX 4090 on 2 x 1600 W (ATX 3.1): ok\n")
    assert "W or more together would be ok" in both
    spare = power("--gpus", "4x RTX 4090", "--psu", "2x 1600W ATX3.1 redundant", "--json", "-")
    told = json.loads(spare.stdout)["psu"]
    assert (told["rating_w"], told["each_w"], told["count"], told["redundant"]) == (
        1600,
        1600,
        2,
        True,
    )
    assert "of which 1600 W must do without the spare" in spare.stderr
    assert "without the spare, would be ok" in spare.stderr


def test_bad_input_is_one_line_and_its_hint() -> None:
    done = power("--gpus", "2x RTX 4090", "--psu", "1200W redundant")
    assert done.stderr.splitlines()[0] == "preflight: --psu: one supply alone is not redundant"


def test_json_alone_on_stdout() -> None:
    done = power("--gpus", "2x RTX 4090", "--psu", "1200W ATX2.4", "--json", "-")
    told = json.loads(done.stdout)
    assert (told["status"], told["load_w"], done.returncode) == ("too small", 1150, 1)
    assert all(row["basis"] and row["load_source"] and row["borne_source"] for row in told["rows"])
    assert done.stderr.startswith("2x GeForce RTX 4090 on 1200 W")


def test_json_into_a_file(tmp_path: Path) -> None:
    path = tmp_path / "power.json"
    assert power("--gpus", "L4", "--psu", "600W", "--json", str(path)).returncode == 0
    assert json.loads(path.read_text())["cabling"][0]["eight_pins"] == 1


@pytest.mark.parametrize("watts", ["-1", "x", "10001"])
def test_a_host_that_draws_nonsense(watts: str) -> None:
    assert power("--gpus", "L4", "--psu", "600W", "--host-w", watts).returncode == 2
