from __future__ import annotations

import pytest

from preflight.checks.temperature_idle import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.measured import rest

UNKNOWN = Status.UNKNOWN


@pytest.mark.parametrize(
    "temperature, is_idle, status",
    [
        (35, True, PASS),
        (50, True, PASS),
        (51, True, WARN),
        (95, True, WARN),
        (50, False, PASS),  # cool even at work
        (51, False, UNKNOWN),
        (51, None, UNKNOWN),
    ],
)
def test_degrees(temperature: int, is_idle: bool | None, status: Status) -> None:
    assert check(Limits(), temperature_c=temperature, is_idle=is_idle).status is status


def test_the_fan_is_told() -> None:
    hot = check(Limits(), temperature_c=62, is_idle=True, fan_speed_percent=0)
    assert hot.message == "temperature 62 °C, required at most 50 at rest; fan at 0 %"
    assert "no fan reading" in check(Limits(), temperature_c=62, is_idle=True).message


def test_the_reason_says_whether_it_works() -> None:
    working = check(Limits(), temperature_c=80, is_idle=False)
    assert "while the card is at work" in (working.reason or "")
    unsure = check(Limits(), temperature_c=80)
    assert "while the card may be at work" in (unsure.reason or "")


@pytest.mark.parametrize(
    "warm, load, status",
    [
        (50.0, 0.0, PASS),
        (51.0, 0.0, WARN),
        (60.0, 5.0, WARN),
        (61.0, 5.0, FAIL),
        (61.0, 5.1, UNKNOWN),
        (50.0, 90.0, PASS),
    ],
)
def test_watched_at_rest(warm: float, load: float, status: Status) -> None:
    seen = rest(temperature_c=warm, utilization_percent=load)
    assert check(Limits(), temperature_c=30, is_idle=True, rest=seen).status is status
