from __future__ import annotations

import pytest

from preflight.checks.disk_health import Limits, check
from preflight.facts import Disk
from preflight.findings import FAIL, PASS, WARN, Status

NEW = Disk("nvme0n1", False, (), 3)


@pytest.mark.parametrize(
    "disks, status, words",
    [
        ((NEW,), PASS, "nvme0n1 sound, 3 % of its life used"),
        ((Disk("sda", False, (), None),), PASS, "sda sound"),
        ((Disk("sda", None, (), 89),), PASS, "sda sound, 89 % of its life used"),
        ((Disk("sda", None, (), 90), NEW), WARN, "sda 90 % of its life used, required below 90 %"),
        ((Disk("sda", True, (), None), NEW), FAIL, "sda says that it is failing"),
        (
            (NEW, Disk("nvme1n1", None, ("spare blocks are low", "read-only"), 120)),
            FAIL,
            "nvme1n1 spare blocks are low, read-only",
        ),
        (
            (Disk("sda", None, (), 95), Disk("sdb", True, (), 95)),
            FAIL,
            "sdb says that it is failing",
        ),
    ],
)
def test_disks(disks: tuple[Disk, ...], status: Status, words: str) -> None:
    finding = check(Limits(), disks=disks)
    assert (finding.status, finding.message) == (status, f"disks: {words}")
    assert finding.measured == tuple(disk.name for disk in disks)


def test_no_more_than_eight_are_told() -> None:
    many = tuple(Disk(f"sd{n}", True, (), None) for n in range(9))
    assert check(Limits(), disks=many).message.count("failing") == 8
