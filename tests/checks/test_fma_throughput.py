from __future__ import annotations

from typing import Any

import pytest

from preflight.checks.fma_throughput import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card
from tests.checks.measured import RATES, measured, rate


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


@pytest.mark.parametrize(
    "traits, words",
    [
        ({}, "of a GeForce RTX 4090, required 97%"),
        ({"tflops": measured(61.2)}, "4090 (61 TFLOP/s), required"),
        ({"clock_mhz": 1750.4}, "4090 (1750 MHz), required"),
        ({"tflops": measured(61.2), "clock_mhz": 1750.4}, "(61 TFLOP/s at 1750 MHz), required"),
    ],
)
def test_the_message_tells_both_rates(traits: dict[str, Any], words: str) -> None:
    product = card(family="hopper", figures=RATES)
    finding = check(Limits(), fma_fp32=rate(254.04, **traits), catalog=product)
    assert finding.message.startswith("FP32 units 254 operations per clock and SM of 256 of a ")
    assert words in finding.message
    assert (finding.measured, finding.expected) == (254.0, 248.3)


@pytest.mark.parametrize("kernel, words", [("fma", "that fma can"), (None, "that this kernel can")])
def test_the_kernel_that_is_not_proven_is_named(kernel: str | None, words: str) -> None:
    product = card(figures=RATES)
    finding = check(Limits(), fma_fp32=rate(200, kernel=kernel), catalog=product)
    assert f"; {words} reach it there is not proven" in finding.message
