from __future__ import annotations

import pytest

from preflight.checks.hugepages import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "mib, total, status", [(0, 1000, PASS), (250, 1000, PASS), (251, 1000, WARN), (0, 0, PASS)]
)
def test_share(mib: int, total: int, status: Status) -> None:
    assert check(Limits(), huge_pages_mib=mib, memory_total_mib=total).status is status
