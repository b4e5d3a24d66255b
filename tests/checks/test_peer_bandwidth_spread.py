from __future__ import annotations

import pytest

from preflight.checks.peer_bandwidth_spread import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "slowest, family, status",
    [
        (90.0, "hopper", PASS),
        (89.0, "hopper", WARN),
        (80.0, "hopper", WARN),
        (79.0, "hopper", FAIL),
        (79.0, "ampere", WARN),
    ],
)
def test_slowest_of_equal_ways(slowest: float, family: str, status: Status) -> None:
    rates = {
        "NV4": {"gpu0>gpu1": 100.0, "gpu1>gpu0": 100.0, "gpu2>gpu3": slowest},
        "SYS": {"gpu0>gpu2": 20.0, "gpu2>gpu0": 20.0},  # another kind, compared with itself
    }
    finding = check(Limits(), peer_rates_gb_s=rates, gpu_families=(family,))
    assert finding.status is status
    if status is not PASS:
        assert "gpu2>gpu3" in finding.message
