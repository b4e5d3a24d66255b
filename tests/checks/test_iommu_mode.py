from __future__ import annotations

import pytest

from preflight.checks.iommu_mode import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "mode, granted, status",
    [
        ("off", True, PASS),
        ("passthrough", True, PASS),
        ("passthrough", None, PASS),
        ("translated", False, PASS),
        ("translated", True, WARN),
        ("translated", None, Status.UNKNOWN),
    ],
)
def test_mode(mode: str, granted: bool | None, status: Status) -> None:
    assert check(Limits(), iommu_mode=mode, peer_access_granted=granted).status is status


def test_it_fails_where_copies_do() -> None:
    wrong = ("gpu0>gpu1 3 wrong words",)
    assert check(Limits(), iommu_mode="translated", peer_faults=wrong).status is FAIL
    assert check(Limits(), iommu_mode="off", peer_faults=wrong).status is PASS
