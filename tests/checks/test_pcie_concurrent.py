from __future__ import annotations

import pytest

from preflight.checks.pcie_concurrent import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.measured import CopiesTogether


@pytest.mark.parametrize(
    "together, families, status",
    [
        (90.0, ("hopper",), PASS),
        (89.9, ("hopper",), WARN),
        (60.0, ("hopper",), WARN),
        (59.9, ("hopper",), FAIL),
        (59.9, ("ada",), WARN),  # not proven there
        (59.9, ("ada", "hopper"), WARN),
        (59.9, (), WARN),
    ],
)
def test_what_is_left_of_single_runs(
    together: float, families: tuple[str, ...], status: Status
) -> None:
    ways = {
        "host to device": CopiesTogether(100, 99, "gpu0", 0.99),
        "device to host": CopiesTogether(100, together, "gpu1", 0.5),
    }
    finding = check(Limits(), copies_together=ways, gpu_families=families)
    assert finding.status is status
    if status is not PASS:
        assert "gpu1 keeps 50%" in finding.message
