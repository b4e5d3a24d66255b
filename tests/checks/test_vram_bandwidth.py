from __future__ import annotations

import pytest

from preflight.checks.vram_bandwidth import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card
from tests.checks.measured import measured


@pytest.mark.parametrize(
    "got, family, status",
    [
        (850, "hopper", PASS),
        (849, "hopper", WARN),
        (750, "hopper", WARN),
        (749, "hopper", FAIL),
        (749, "ada", WARN),  # not proven there
    ],
)
def test_part_of_the_products_bandwidth(got: float, family: str, status: Status) -> None:
    product = card(memory_gb_s=1000.0, family=family)
    assert check(Limits(), memory_bandwidth=measured(got), catalog=product).status is status
