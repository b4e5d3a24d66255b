from __future__ import annotations

import pytest

from preflight.checks.swap import Limits, check
from preflight.facts import Swap
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "size, swappiness, status",
    [
        (0.0, 60, PASS),
        (2.0, 10, PASS),
        (2.0, 11, WARN),
        (8.0, 0, PASS),
        (8.1, 0, WARN),
    ],
)
def test_size_and_swappiness(size: float, swappiness: int, status: Status) -> None:
    assert check(Limits(), swap=Swap(size, swappiness)).status is status
