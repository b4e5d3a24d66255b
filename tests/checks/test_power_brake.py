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


@pytest.mark.parametrize(
    "held, status", [({"sw_power_cap": 1.0}, PASS), ({"hw_power_brake": 0.01}, FAIL)]
)
def test_under_load(held: dict[str, float], status: Status) -> None:
    found = check(Limits(), throttle_reasons=(), throttle_under_load=held)
    assert found.status is status
    assert (found.basis == "measured") is (status is FAIL)
