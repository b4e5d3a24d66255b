from __future__ import annotations

import pytest

from preflight.checks.kernel_launch import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card
from tests.checks.measured import measured


@pytest.mark.parametrize(
    "better, name, status",
    [
        (10.0, "H200", PASS),
        (10.1, "H200", WARN),
        (20.0, "H200", WARN),
        (20.1, "H200", FAIL),
        (20.1, "H100 PCIe", WARN),
        (20.1, None, WARN),
    ],
)
def test_time_of_a_start(better: float, name: str | None, status: Status) -> None:
    got = measured(40.0, "us", better)  # others on the host disturb half of them
    product = card(name=name) if name else None
    assert check(Limits(), launch_latency=got, catalog=product).status is status
