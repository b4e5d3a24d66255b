from __future__ import annotations

import pytest

from preflight.checks.reboot_required import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "waits, strict, status",
    [(False, False, PASS), (True, False, WARN), (True, True, FAIL), (False, True, PASS)],
)
def test_waiting(waits: bool, strict: bool, status: Status) -> None:
    assert check(Limits(fail_when_waiting=strict), reboot_required=waits).status is status


@pytest.mark.parametrize(
    "runs, newest, status",
    [
        ("6.8.0-60-generic", "6.8.0-60-generic", PASS),
        ("6.8.0-59-generic", "6.8.0-60-generic", WARN),
        (None, "6.8.0-60-generic", PASS),
        ("6.8.0-59-generic", None, PASS),
    ],
)
def test_a_newer_kernel_waits_too(runs: str | None, newest: str | None, status: Status) -> None:
    finding = check(Limits(), reboot_required=False, kernel_release=runs, newest_kernel=newest)
    assert finding.status is status
    assert ("6.8.0-60-generic is the newest" in finding.message) is (status is WARN)
