"""Which driver is left alone, which is replaced, and when a reboot is due; by Ansible itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.roles.conftest import ROLES, play

ADA, TURING, PASCAL = "2684", "1E07", "1B06"  # RTX 4090, RTX 2080 Ti, GTX 1080 Ti


def uevents(*ids: str) -> str:
    """As the kernel prints them; a card's sound and an Intel bridge besides."""
    others = "DRIVER=pcieport\nPCI_CLASS=60400\nPCI_ID=8086:A110\n"
    others += "PCI_CLASS=40300\nPCI_ID=10DE:22BA\n"
    return others + "".join(
        f"DRIVER=nvidia\nPCI_CLASS=30000\nPCI_ID=10DE:{one}\nPCI_SUBSYS_ID=1043:889D\n"
        for one in ids
    )


def found(*ids: str, loaded: str = "", installed: str = "") -> str:
    return f"{uevents(*ids)}LOADED={loaded}\nINSTALLED={installed}\n"


MADISON = [
    "nvidia-driver-cuda | 590.48.01-1 | https://mirror.example/debian12  Packages",
    "nvidia-driver-cuda | 580.126.09-1 | https://mirror.example/debian12  Packages",
    "nvidia-driver-cuda | 535.261.03-1 | http://deb.debian.org/debian bookworm/non-free Packages",
]
CASES: dict[str, dict[str, Any]] = {
    "good": {"stdout": found(ADA, ADA, loaded="580.95.05", installed="580.95.05")},
    "least": {"stdout": found(ADA, loaded="580.65.06", installed="580.65.06")},
    "old": {"stdout": found(ADA, loaded="580.65.05", installed="580.65.05"), "candidates": MADISON},
    "old-enough": {
        "stdout": found(ADA, loaded="535.261.03", installed="535.261.03"),
        "vllm": "0.10.2",
    },
    "known-bad": {
        "stdout": found(ADA, loaded="545.29.02", installed="545.29.02"),
        "vllm": "0.10.2",
    },
    "like-known-bad": {
        "stdout": found(ADA, loaded="545.29.06", installed="545.29.06"),
        "vllm": "0.10.2",
    },
    "none": {"stdout": found(TURING, ADA), "candidates": MADISON[2:]},
    "new-on-disk": {"stdout": found(ADA, loaded="570.195.03", installed="580.126.09")},
    "no-card": {"stdout": found()},
    "pascal": {"stdout": found(ADA, PASCAL)},
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("driver")
    cases = [{"name": name, **case} for name, case in CASES.items()]
    told = {"roles": str(ROLES), "folder": str(folder), "cases": cases}
    done = play(folder, Path(__file__).with_name("driver.yml"), "-e", json.dumps(told))
    assert done.returncode == 0, done.stdout
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in CASES}


@pytest.mark.parametrize(
    "name, good, due, reboot",
    [
        ("good", True, False, False),
        ("least", True, False, False),
        ("old", False, True, False),
        ("old-enough", True, False, False),
        ("known-bad", False, True, False),
        ("like-known-bad", True, False, False),
        ("none", False, True, False),
        ("new-on-disk", False, False, True),
        ("no-card", False, False, False),
    ],
)
def test_a_good_driver_is_left_alone(
    judged: dict[str, dict[str, Any]], name: str, good: bool, due: bool, reboot: bool
) -> None:
    told = judged[name]
    assert (told["good"], told["due"], told["reboot"]) == (good, due, reboot)


def test_only_cards_count(judged: dict[str, dict[str, Any]]) -> None:
    assert judged["good"]["cards"] == [ADA, ADA]
    assert judged["no-card"]["cards"] == []


@pytest.mark.parametrize(
    "name, kind", [("good", "open"), ("none", "open"), ("pascal", "proprietary")]
)
def test_open_modules_from_turing_on(
    judged: dict[str, dict[str, Any]], name: str, kind: str
) -> None:
    assert judged[name]["kind"] == kind


def test_the_candidate_is_of_the_branch_or_there_is_none(
    judged: dict[str, dict[str, Any]],
) -> None:
    assert "580.126.09-1" in judged["old"]["version"]
    assert judged["none"]["version"] == ""
