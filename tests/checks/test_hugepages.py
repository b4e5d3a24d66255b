from __future__ import annotations

import pytest

from preflight.checks.hugepages import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "mib, total, status", [(0, 1000, PASS), (250, 1000, PASS), (251, 1000, WARN), (0, 0, PASS)]
)
def test_share(mib: int, total: int, status: Status) -> None:
    assert check(Limits(), huge_pages_mib=mib, memory_total_mib=total).status is status


def test_the_mode_of_transparent_ones_is_told_beside() -> None:
    plain = check(Limits(), huge_pages_mib=250, memory_total_mib=1000)
    assert plain.message == "250 MiB (25 %) set aside in huge pages, required at most 25 %"
    told = check(Limits(), huge_pages_mib=0, memory_total_mib=9, transparent_huge_pages="always")
    assert told.message.endswith("required at most 25 %; transparent ones: always")
    assert told.status is PASS
