from __future__ import annotations

import pytest

from preflight.checks.bar1_size import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "bar1, memory, status",
    [
        (32768, 24564, PASS),
        (24564, 24564, PASS),
        (24563, 24564, WARN),
        (16384, 10240, PASS),  # an RTX 3080
        (256, 24564, WARN),
    ],
)
def test_window(bar1: int, memory: int, status: Status) -> None:
    finding = check(Limits(), bar1_total_mib=bar1, memory_total_mib=memory)
    assert (finding.status, finding.measured, finding.expected) == (status, bar1, memory)
