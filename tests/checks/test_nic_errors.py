from __future__ import annotations

import pytest

from preflight.checks.nic_errors import Limits, check
from preflight.facts import Nic
from preflight.findings import PASS, WARN, Status


def nic(packets: int, errors: int, dropped: int = 0) -> Nic:
    return Nic("eno1", 10000, "full", 2, packets, errors, dropped)


@pytest.mark.parametrize(
    "card, status",
    [
        (nic(999_900, 100), PASS),  # 0.01 %
        (nic(999_899, 101), WARN),
        (nic(0, 0), PASS),
        (nic(0, 1), WARN),
        (nic(1_000_000, 0, dropped=50_000), PASS),
    ],
)
def test_share_of_errors(card: Nic, status: Status) -> None:
    assert check(Limits(), nics=(nic(1_000_000, 0), card)).status is status
