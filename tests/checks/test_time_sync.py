from __future__ import annotations

import pytest

from preflight.checks.time_sync import Limits, check
from preflight.facts import Clock
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "synchronized, offset, status",
    [
        (True, None, PASS),
        (True, 2.0, PASS),
        (True, -2.0, PASS),
        (True, 2.1, WARN),
        (True, 2.03, PASS),  # a tenth of a second is as near as it is read
        (True, -30.0, WARN),
        (True, 30.1, FAIL),
        (False, 0.0, WARN),
        (False, None, WARN),
        (False, -31.0, FAIL),
        (None, 0.1, Status.UNKNOWN),
        (None, 3.0, WARN),
        (None, 31.0, FAIL),
    ],
)
def test_clock(synchronized: bool | None, offset: float | None, status: Status) -> None:
    assert check(Limits(), clock=Clock(synchronized, offset)).status is status
