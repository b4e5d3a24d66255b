from __future__ import annotations

import pytest

from preflight.checks.tensor_throughput import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card
from tests.checks.measured import RATES, rate


@pytest.mark.parametrize(
    "got, family, status",
    [
        (501.8, "hopper", PASS),
        (501.7, "hopper", WARN),
        (486.5, "hopper", WARN),
        (486.3, "hopper", FAIL),
        (486.3, "ada", WARN),  # that the kernel reaches it there is not proven
        (1024.0, "ada", PASS),
    ],
)
def test_part_of_the_rate_in_a_clock(got: float, family: str, status: Status) -> None:
    product = card(family=family, figures=RATES)
    finding = check(Limits(), tensor_rate=rate(got), catalog=product)
    assert finding.status is status
    assert ("not proven" in finding.message) is (family == "ada" and status is WARN)


@pytest.mark.parametrize("capability", ["10.0", "10.3"])
def test_a_chip_whose_own_instruction_is_not_used(capability: str) -> None:
    product = card(family="blackwell", compute_capability=capability, figures=RATES)
    finding = check(Limits(), tensor_rate=rate(100), catalog=product)
    assert finding.status is Status.NOT_APPLICABLE
    assert finding.reason == "100 of 512 by mma.sync, which is not the chip's own instruction"


def test_a_product_without_a_rate() -> None:
    assert check(Limits(), tensor_rate=rate(500), catalog=card()).status is Status.UNKNOWN


@pytest.mark.parametrize(
    "kernel, words", [("mma.sync", "that mma.sync can"), (None, "that this kernel can")]
)
def test_the_kernel_that_is_not_proven_is_named(kernel: str | None, words: str) -> None:
    finding = check(Limits(), tensor_rate=rate(400, kernel=kernel), catalog=card(figures=RATES))
    assert f"; {words} reach it there is not proven" in finding.message
