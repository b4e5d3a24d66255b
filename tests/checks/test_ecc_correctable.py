from __future__ import annotations

import pytest

from preflight.checks.ecc_correctable import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize("count, status", [(0, PASS), (1000, PASS), (1001, WARN), (10**9, WARN)])
def test_count(count: int, status: Status) -> None:
    finding = check(Limits(), ecc_correctable_volatile_dram=count)
    assert (finding.status, finding.measured, finding.expected) == (status, count, 1000)
