from __future__ import annotations

import math

import pytest

from preflight.checks.memlock import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "limit, status",
    [(math.inf, PASS), (32768, PASS), (32767, WARN), (0.0625, WARN), (8, WARN)],
)
def test_share_of_memory(limit: float, status: Status) -> None:
    finding = check(Limits(), locked_memory_limit_mib=limit, memory_total_mib=65536)
    assert finding.status is status
