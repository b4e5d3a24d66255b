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
