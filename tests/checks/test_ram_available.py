from __future__ import annotations

import pytest

from preflight.checks.ram_available import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize("mib, status", [(8192, PASS), (8140, WARN), (0, WARN), (500_000, PASS)])
def test_memory_left(mib: int, status: Status) -> None:
    assert check(Limits(), memory_available_mib=mib).status is status
