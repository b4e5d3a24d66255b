from __future__ import annotations

import pytest

from preflight.checks.throttle_thermal import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "reasons, status",
    [
        ((), PASS),
        (("sw_power_cap",), PASS),  # recorded idle on sound display cards
        (("applications_clocks", "display_clocks", "sync_boost"), PASS),
        (("sw_thermal",), WARN),
        (("hw_slowdown", "hw_thermal"), FAIL),
        (("hw_thermal", "sw_thermal"), FAIL),
        (("hw_slowdown",), WARN),
        (("hw_slowdown", "hw_power_brake"), PASS),  # power-brake speaks of it
        (("hw_slowdown", "hw_power_brake", "sw_thermal"), WARN),
    ],
)
def test_reasons(reasons: tuple[str, ...], status: Status) -> None:
    assert check(Limits(), throttle_reasons=reasons).status is status
