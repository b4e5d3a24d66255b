"""Every bank of each card's memory has spare rows left.

Why: each bank of memory has a few spare rows for those that go bad. A bank with none left cannot
  repair its next error, which then ends a job.
Fix: Replace the card when a bank has no spare row; with few left, watch it.
Source: NVML, nvmlDeviceGetRowRemapperHistogram: banks by how many spare rows they have left.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu, RemapperBanks
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "row-remap-headroom"
SUBJECT = Gpu
REMEDY_CLASS = "replace"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `row-remap-headroom`; counts of banks."""

    fail_none_above: int = 0  # banks without a spare row
    warn_low_above: int = 0  # banks with few


def check(limits: Limits, *, remapper_banks: RemapperBanks) -> Finding:
    banks = remapper_banks
    words = f"banks of memory without a spare row: {banks.none}, with few: {banks.low}"
    if banks.none > limits.fail_none_above:
        return Finding(FAIL, banks.none, limits.fail_none_above, "banks", words)
    if banks.low > limits.warn_low_above:
        low = limits.warn_low_above
        return Finding(WARN, banks.low, low, "banks", words, remedy_class="watch")
    return Finding(PASS, banks.none, limits.fail_none_above, "banks", words)
