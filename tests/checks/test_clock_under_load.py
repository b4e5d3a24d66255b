from __future__ import annotations

import pytest

from preflight.checks.clock_under_load import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.measured import rate


@pytest.mark.parametrize(
    "clock, throttle, family, status",
    [
        (1200.0, (), "hopper", PASS),
        (1199.0, (), "hopper", FAIL),
        (1199.0, (), "ada", WARN),
        (900.0, ("sw_power_cap",), "hopper", PASS),
        (900.0, ("sw_thermal",), "hopper", PASS),
        (900.0, ("hw_thermal",), "hopper", PASS),
        (900.0, ("hw_power_brake",), "hopper", PASS),
        (900.0, ("applications_clocks",), "hopper", FAIL),
        (None, (), "hopper", Status.UNKNOWN),
    ],
)
def test_clock_by_cycles(
    clock: float | None, throttle: tuple[str, ...], family: str, status: Status
) -> None:
    got = rate(4096, clock_mhz=clock, throttle=throttle)
    finding = check(Limits(), tensor_rate=got, clock_max_mhz=2000, family=family)
    assert finding.status is status


@pytest.mark.parametrize("highest, status", [(-1, Status.UNKNOWN), (0, Status.UNKNOWN), (1, PASS)])
def test_without_a_highest_clock_nothing_is_said(highest: int, status: Status) -> None:
    got = rate(4096, clock_mhz=1.2)
    assert check(Limits(), tensor_rate=got, clock_max_mhz=highest).status is status


@pytest.mark.parametrize(
    "clock, status", [(2475.0, PASS), (2476.0, Status.UNKNOWN), (1e12, Status.UNKNOWN)]
)
def test_a_clock_that_no_card_has_was_not_read(clock: float, status: Status) -> None:
    got = rate(4096, clock_mhz=clock, throttle=("sw_power_cap",))
    finding = check(Limits(), tensor_rate=got, clock_max_mhz=1980, family="hopper")
    assert finding.status is status
    assert (finding.reason is not None) is (status is Status.UNKNOWN)


@pytest.mark.parametrize("clock, expected", [(1200.0, None), (1199.0, 1200)])
def test_the_clock_it_should_have_is_told_where_it_has_not(
    clock: float, expected: int | None
) -> None:
    got = rate(4096, clock_mhz=clock)
    finding = check(Limits(), tensor_rate=got, clock_max_mhz=2000, family="hopper")
    assert (finding.measured, finding.expected) == (clock, expected)


def test_what_holds_the_clock_back_is_named() -> None:
    def words(*why: str) -> str:
        got = rate(4096, clock_mhz=900.0, throttle=why)
        return check(Limits(), tensor_rate=got, clock_max_mhz=2000).message

    assert words("sw_power_cap").endswith("900 MHz of 2000, held back by sw_power_cap")
    assert "held back" not in words()
