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
