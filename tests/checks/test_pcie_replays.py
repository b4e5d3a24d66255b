from __future__ import annotations

import pytest

from preflight.checks.pcie_replays import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "grown, gen, lanes, seconds, status",
    [
        (0, 4, 16, 4.0, PASS),
        (1, 4, 16, 4.0, WARN),
        (16, 4, 16, 4.0, WARN),
        (17, 4, 16, 4.0, FAIL),
        (31, 5, 16, 60.0, WARN),
        (32, 5, 16, 60.0, FAIL),
        (32, 4, 16, 120.0, FAIL),
        (31, 4, 16, 120.0, WARN),
        (5, 3, 8, 4.0, FAIL),
        (4, 3, 8, 4.0, WARN),
        (32, 4, 16, 118.0, FAIL),
        (1, 1, 1, 59.0, WARN),
        (0, 9, 16, 4.0, Status.UNKNOWN),
    ],
)
def test_bit_error_rate(grown: int, gen: int, lanes: int, seconds: float, status: Status) -> None:
    finding = check(
        Limits(),
        pcie_replays_under_load=grown,
        pcie_link_gen_under_load=gen,
        pcie_link_width_under_load=lanes,
        copying_s=seconds,
    )
    assert finding.status is status
