from __future__ import annotations

import pytest

from preflight.checks.power_brake import Limits, check
from preflight.findings import FAIL, PASS, Status


@pytest.mark.parametrize(
    "reasons, status",
    [
        ((), PASS),
        (("sw_power_cap",), PASS),
        (("hw_slowdown", "hw_thermal"), PASS),
        (("hw_slowdown", "hw_power_brake"), FAIL),
    ],
)
def test_reasons(reasons: tuple[str, ...], status: Status) -> None:
    assert check(Limits(), throttle_reasons=reasons).status is status
