"""Few bits of each card's memory had to be repaired since the driver was loaded.

Why: single flipped bits are repaired on the way and do no harm. Thousands of them come from one
  weak spot, which sooner or later flips two at once and ends the job.
Fix: Reset the card, run a memory test, and count again; replace it when the count climbs.
Source: NVML, corrected volatile DRAM errors. The limit is a guess: what others use goes from 1,000
  to 5e7.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import PASS, WARN, Finding

ID = "ecc-correctable"
SUBJECT = Gpu
REMEDY_CLASS = "watch"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `ecc-correctable`."""

    warn_above: int = 1000  # errors in DRAM since the driver loaded; a guess


def check(limits: Limits, *, ecc_correctable_volatile_dram: int) -> Finding:
    count, limit = ecc_correctable_volatile_dram, limits.warn_above
    words = f"corrected memory errors since the driver loaded: {count}, required at most {limit}"
    return Finding(WARN if count > limit else PASS, count, limit, "errors", words)
