from __future__ import annotations

import pytest

from preflight.checks.power_limit_stable import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "limit_w, is_persistent, status",
    [
        (450.0, True, Status.NOT_APPLICABLE),
        (450.5, False, Status.NOT_APPLICABLE),
        (449.5, False, Status.NOT_APPLICABLE),
        (450.51, False, WARN),
        (449.49, False, WARN),
        (350.0, True, PASS),
        (350.0, False, WARN),
        (480.0, False, WARN),
    ],
)
def test_limit(limit_w: float, is_persistent: bool, status: Status) -> None:
    finding = check(
        Limits(),
        power_limit_w=limit_w,
        power_limit_default_w=450.0,
        persistence_mode=is_persistent,
    )
    assert finding.status is status
