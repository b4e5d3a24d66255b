from __future__ import annotations

import pytest

from preflight.checks.disk_space import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "used, inodes, status",
    [
        (10.0, 1.0, PASS),
        (84.9, 0.0, PASS),
        (85.0, 0.0, WARN),
        (94.9, 0.0, WARN),
        (95.0, 0.0, FAIL),
        (10.0, 84.9, PASS),
        (10.0, 85.0, WARN),
        (10.0, 95.0, FAIL),
        (95.0, 85.0, FAIL),
    ],
)
def test_shares(used: float, inodes: float, status: Status) -> None:
    assert check(Limits(), used_percent=used, inodes_used_percent=inodes).status is status


def test_the_message_tells_what_is_full_and_what_is_left() -> None:
    full = check(Limits(), used_percent=96.0, available_gib=12.4)
    assert full.message == "96 % used, 12 GiB left, required below 95 %"
    assert (
        "of its inodes used" in check(Limits(), used_percent=1.0, inodes_used_percent=90.0).message
    )


def test_the_limit_that_is_told_is_the_one_that_was_broken() -> None:
    warned = check(Limits(), used_percent=90.0)
    assert warned.expected == 85.0
    failed = check(Limits(), used_percent=96.0)
    assert failed.expected == 95.0
    assert check(Limits(), used_percent=0.0).measured == 0.0
