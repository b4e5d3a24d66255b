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


@pytest.mark.parametrize(
    "held, status",
    [
        ({"sw_thermal": 0.05}, PASS),
        ({"sw_thermal": 0.051}, WARN),
        ({"sw_power_cap": 1.0}, PASS),
        ({"hw_thermal": 0.01}, FAIL),  # any of it
        ({"hw_thermal": 0.01, "sw_thermal": 1.0}, FAIL),
    ],
)
def test_heat_while_it_was_measured(held: dict[str, float], status: Status) -> None:
    found = check(Limits(), throttle_reasons=(), throttle_under_load=held)
    assert found.status is status
    if status is not PASS:
        assert found.basis == "measured"


def test_a_test_that_was_stopped_because_of_heat_fails() -> None:
    found = check(Limits(), throttle_reasons=(), heat_stop="95 °C, the card's limit is 90")
    assert (found.status, found.basis) == (FAIL, "measured")
    assert "95 °C" in found.message
