from __future__ import annotations

import pytest

from preflight.checks.fma_throughput import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card
from tests.checks.measured import RATES, rate


@pytest.mark.parametrize(
    "got, family, status",
    [
        (248.4, "hopper", PASS),
        (248.2, "hopper", WARN),
        (238.2, "hopper", WARN),
        (238.0, "hopper", FAIL),
        (238.0, "ada", WARN),  # that the kernel reaches it there is not proven
        (512.0, "ada", PASS),
    ],
)
def test_part_of_the_rate_in_a_clock(got: float, family: str, status: Status) -> None:
    product = card(family=family, figures=RATES)
    finding = check(Limits(), fma_fp32=rate(got), catalog=product)
    assert finding.status is status
    assert ("not proven" in finding.message) is (family == "ada" and status is WARN)


def test_a_product_without_a_rate() -> None:
    assert check(Limits(), fma_fp32=rate(500), catalog=card()).status is Status.UNKNOWN
