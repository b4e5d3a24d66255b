from __future__ import annotations

import pytest

from preflight.checks.shm_size import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.layout import parse

TWO = {"nvml": 2}


@pytest.mark.parametrize(
    "mib, layout, status",
    [
        (2048, None, PASS),
        (2047, None, WARN),
        (64, None, WARN),
        (64, "tp2", FAIL),
        (65, "tp2", WARN),
        (64, "pp2", FAIL),
        (64, "replicas", WARN),
        (2048, "tp2", PASS),
    ],
)
def test_size(mib: int, layout: str | None, status: Status) -> None:
    asked = parse(layout) if layout else None
    finding = check(Limits(), shared_memory_mib=mib, gpu_counts=TWO, layout=asked)
    assert finding.status is status
