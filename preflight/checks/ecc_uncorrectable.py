"""Each card's error correction has met no error that it could not repair.

Why: memory with ECC repairs single flipped bits; two at once destroy data, and the job on the card
  dies or, worse, computes on. Cards that did it once do it again.
Fix: Drain and reset the card (A100: reboot the host), run a memory test, and look at its remapped
  rows or retired pages; replace the card when errors come back.
Source: NVIDIA GPU Memory Error Management, error containment and RMA policy: any uncorrectable
  error since the driver loaded; more than 4 in SRAM over the card's life.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Finding, Status

ID = "ecc-uncorrectable"
SUBJECT = Gpu
REMEDY_CLASS = "reset-gpu"
_UNREAD = "none since the driver loaded; over its life not all counters were read"
_WATCH = (
    "Run a memory test and note the count; replace the card when it grows, or when its remapped "
    "rows or retired pages do."
)
_WORN = "Replace the card: SRAM has no spare rows, and nothing mends it."
_REPLACE = "Replace the card: the driver says that its SRAM has too many uncorrectable errors."


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `ecc-uncorrectable`; all are counts of errors."""

    fail_volatile_above: int = 0  # since the driver loaded, SRAM and DRAM
    fail_in_test_above: int = 0  # new ones, seen after the test
    warn_aggregate_dram_above: int = 0  # over the card's life; row remapping may have cured them
    warn_aggregate_sram_above: int = 0  # over the card's life; nothing cures SRAM
    fail_aggregate_sram_above: int = 4  # over the card's life


def check(
    limits: Limits,
    *,
    ecc_uncorrectable_volatile: int,
    ecc_uncorrectable_aggregate_dram: int | None = None,
    ecc_uncorrectable_aggregate_sram: int | None = None,
    ecc_sram_threshold_exceeded: bool = False,
    ecc_uncorrectable_in_test: int = 0,
) -> Finding:
    now, sram = ecc_uncorrectable_volatile, ecc_uncorrectable_aggregate_sram or 0
    dram = ecc_uncorrectable_aggregate_dram or 0
    if ecc_sram_threshold_exceeded:
        words = "the SRAM threshold for uncorrectable errors is exceeded"
        return Finding(FAIL, sram, message=words, remedy=_REPLACE, remedy_class="replace")
    if ecc_uncorrectable_in_test > limits.fail_in_test_above:
        return _finding(FAIL, ecc_uncorrectable_in_test, limits.fail_in_test_above, "in the test")
    if now > limits.fail_volatile_above:
        return _finding(FAIL, now, limits.fail_volatile_above, "since the driver loaded")
    if sram > limits.fail_aggregate_sram_above:
        worn = _finding(FAIL, sram, limits.fail_aggregate_sram_above, "in SRAM over its life")
        return replace(worn, remedy=_WORN, remedy_class="replace")
    if sram > limits.warn_aggregate_sram_above:
        return _finding(WARN, sram, limits.warn_aggregate_sram_above, "in SRAM over its life")
    if dram > limits.warn_aggregate_dram_above:
        return _finding(WARN, dram, limits.warn_aggregate_dram_above, "in DRAM over its life")
    if None in (ecc_uncorrectable_aggregate_dram, ecc_uncorrectable_aggregate_sram):
        return Finding(Status.UNKNOWN, now, reason=_UNREAD)
    return _finding(PASS, now, limits.fail_volatile_above, "since the driver loaded")


def _finding(status: Status, count: int, limit: int, when: str) -> Finding:
    words = f"uncorrectable ECC errors {when}: {count}, required at most {limit}"
    if status is WARN:  # of the past, and mended or not: no reset takes it back
        return Finding(status, count, limit, "errors", words, _WATCH, "watch")
    return Finding(status, count, limit, "errors", words)
