"""smartctl's JSON, and what stands in its place where it may not or cannot tell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preflight.capture import Source
from preflight.facts import Disk, Fact, Missing, NotApplicable
from preflight.understand import understand
from tests.understand.build import Builder, command, files


def told(source: Source, name: str = "smart-nvme0n1") -> Fact[tuple[Disk, ...]]:
    return understand(Builder({name: source}).capture()).host.disks


def nvme(**log: int) -> str:
    return json.dumps({"nvme_smart_health_information_log": log})


@pytest.mark.parametrize(
    "text, disk",
    [
        (nvme(critical_warning=0, percentage_used=3), Disk("nvme0n1", None, (), 3)),
        (
            nvme(critical_warning=0b1001, percentage_used=101),
            Disk("nvme0n1", None, ("spare blocks are low", "read-only"), 101),
        ),
        (nvme(critical_warning=128), Disk("nvme0n1", None, ("warning bit 7",), None)),
        ('{"smart_status": {"passed": true}}', Disk("nvme0n1", False, (), None)),
        ('{"smart_status": {"passed": false}}', Disk("nvme0n1", True, (), None)),
    ],
)
@pytest.mark.parametrize("exit_code", [0, 8])
def test_what_a_disk_tells(text: str, disk: Disk, exit_code: int) -> None:
    assert told(command(text, exit_code=exit_code)) == (disk,)


@pytest.mark.parametrize(
    "source, reason",
    [
        (command(stderr="Permission denied", exit_code=2), "not-permitted"),
        (command('{"smartctl": {"messages": []}}', exit_code=2), "not-supported"),
        (command("{" * 60_000), "not-parsed"),
        (command("[" * 60_000), "not-parsed"),
        (command("[]"), "not-supported"),
        (Source("tool-absent", detail="smartctl: not found"), "tool-absent"),
    ],
)
def test_a_disk_that_does_not_tell_is_unknown(source: Source, reason: str) -> None:
    fact = told(source)
    assert isinstance(fact, Missing)
    assert fact.reason == reason


def test_one_that_tells_is_enough_to_be_judged() -> None:
    good = command(nvme(critical_warning=4))
    capture = Builder({"smart-sda": command(exit_code=2), "smart-nvme0n1": good}).capture()
    assert understand(capture).host.disks == (
        Disk("nvme0n1", None, ("not reliable any more",), None),
    )


@pytest.mark.parametrize("sources", [{}, {"os": files({"/etc/os-release": ""})}])
def test_a_host_that_shows_no_disk_owes_none(sources: dict[str, Any]) -> None:
    assert isinstance(understand(Builder(sources).capture()).host.disks, NotApplicable)
