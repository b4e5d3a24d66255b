from __future__ import annotations

import pytest

from preflight.checks.ecc_uncorrectable import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "volatile, dram, sram, status",
    [
        (0, 0, 0, PASS),
        (1, 0, 0, FAIL),
        (0, 1, 0, WARN),
        (0, 500, 0, WARN),
        (0, 0, 1, WARN),
        (0, 0, 4, WARN),
        (0, 0, 5, FAIL),
        (1, 0, 1, FAIL),
        (0, 1, 5, FAIL),
    ],
)
def test_counts(volatile: int, dram: int, sram: int, status: Status) -> None:
    finding = check(
        Limits(),
        ecc_uncorrectable_volatile=volatile,
        ecc_uncorrectable_aggregate_dram=dram,
        ecc_uncorrectable_aggregate_sram=sram,
    )
    assert finding.status is status


def test_the_threshold_means_replace() -> None:
    finding = check(Limits(), ecc_uncorrectable_volatile=0, ecc_sram_threshold_exceeded=True)
    assert (finding.status, finding.remedy_class) == (FAIL, "replace")


@pytest.mark.parametrize(
    "volatile, dram, sram, remedy",
    [(1, 0, 0, None), (0, 14, 0, "watch"), (0, 0, 4, "watch"), (0, 0, 5, "replace")],
)
def test_a_reset_is_no_remedy_for_the_past(
    volatile: int, dram: int, sram: int, remedy: str | None
) -> None:
    finding = check(
        Limits(),
        ecc_uncorrectable_volatile=volatile,
        ecc_uncorrectable_aggregate_dram=dram,
        ecc_uncorrectable_aggregate_sram=sram,
    )
    assert finding.remedy_class == remedy


@pytest.mark.parametrize("dram, sram", [(0, None), (None, 0), (None, None)])
def test_a_life_that_was_not_read_passes_nothing(dram: int | None, sram: int | None) -> None:
    part = check(
        Limits(),
        ecc_uncorrectable_volatile=0,
        ecc_uncorrectable_aggregate_dram=dram,
        ecc_uncorrectable_aggregate_sram=sram,
    )
    assert part.status is Status.UNKNOWN
    assert part.reason is not None
    assert "not all counters were read" in part.reason


def test_the_message_says_where_and_when() -> None:
    sram = check(Limits(), ecc_uncorrectable_volatile=0, ecc_uncorrectable_aggregate_sram=5)
    assert sram.message == ("uncorrectable ECC errors in SRAM over its life: 5, required at most 4")
    now = check(Limits(), ecc_uncorrectable_volatile=3)
    assert now.message == (
        "uncorrectable ECC errors since the driver loaded: 3, required at most 0"
    )


@pytest.mark.parametrize("count, status", [(0, PASS), (1, FAIL)])
def test_errors_that_the_test_brought_to_light(count: int, status: Status) -> None:
    found = check(
        Limits(),
        ecc_uncorrectable_volatile=0,
        ecc_uncorrectable_aggregate_dram=0,
        ecc_uncorrectable_aggregate_sram=0,
        ecc_uncorrectable_in_test=count,
    )
    assert found.status is status
    assert ("in the test: 1" in found.message) is (status is FAIL)
