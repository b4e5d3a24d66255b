from __future__ import annotations

import pytest

from preflight.checks.power_limit import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "limit, default, status",
    [
        (450.0, 450.0, PASS),
        (449.5, 450.0, PASS),
        (449.49, 450.0, WARN),
        (450.5, 450.0, PASS),
        (450.6, 450.0, WARN),
        (200.0, 350.0, WARN),
        (10.0, 0.0, WARN),
    ],
)
def test_watts(limit: float, default: float, status: Status) -> None:
    assert check(Limits(), power_limit_w=limit, power_limit_default_w=default).status is status


def test_the_message_tells_the_share() -> None:
    finding = check(Limits(), power_limit_w=200.0, power_limit_default_w=350.0)
    assert finding.message == "power limit 200 W, required 350 W (57% of the default)"
