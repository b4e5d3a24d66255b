from __future__ import annotations

import pytest

from preflight.checks.cpu_cores import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "cores, cards, status",
    [
        (10, 2, PASS),
        (9, 2, WARN),
        (4, 2, WARN),
        (3, 2, FAIL),
        (34, 8, PASS),
        (24, 8, WARN),
        (15, 8, FAIL),
        (2, 0, PASS),
    ],
)
def test_cores_a_card(cores: int, cards: int, status: Status) -> None:
    counts = {"nvml": cards, "lspci": cards}
    assert check(Limits(), cpu_cores=cores, gpu_counts=counts).status is status


def test_a_lost_card_wants_its_cores_too() -> None:
    finding = check(Limits(), cpu_cores=8, gpu_counts={"nvml": 1, "lspci": 2})
    assert finding.message == "8 processor cores for 2 cards, required 10"
