from __future__ import annotations

import pytest

from preflight.checks.chassis_inlet import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "degrees, status", [(27.0, PASS), (27.1, WARN), (35.0, WARN), (35.1, FAIL)]
)
def test_air(degrees: float, status: Status) -> None:
    assert check(Limits(), inlet_temperature_c=degrees).status is status
