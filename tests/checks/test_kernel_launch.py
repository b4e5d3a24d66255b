from __future__ import annotations

import pytest

from preflight.checks.kernel_launch import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.measured import measured


@pytest.mark.parametrize(
    "better, family, status",
    [
        (10.0, "hopper", PASS),
        (10.1, "hopper", WARN),
        (20.0, "hopper", WARN),
        (20.1, "hopper", FAIL),
        (20.1, "ada", WARN),
        (20.1, None, WARN),
    ],
)
def test_time_of_a_start(better: float, family: str | None, status: Status) -> None:
    got = measured(40.0, "us", better)  # others on the host disturb half of them
    assert check(Limits(), launch_latency=got, family=family).status is status
