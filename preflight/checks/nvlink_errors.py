"""The NVLinks of each card have counted no errors.

Why: a link repeats what arrives damaged, so that nobody notices but by the clock. Errors come from
  a bad contact, bridge or cable, and end as a link that goes down in the middle of a job.
Fix: Reseat the bridge or the module, reset the cards, and look whether the counters climb again.
Source: NVML, NVLink error counters: replay, recovery and CRC, summed over all links of a card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import PASS, WARN, Finding

ID = "nvlink-errors"
SUBJECT = Gpu
REMEDY_CLASS = "watch"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `nvlink-errors`."""

    warn_above: int = 0  # errors of all kinds since the counters were cleared


def check(limits: Limits, *, nvlink_errors: Mapping[str, int]) -> Finding:
    total = sum(nvlink_errors.values())
    words = f"NVLink errors: {total}, required at most {limits.warn_above}"
    if total > limits.warn_above:
        told = ", ".join(f"{count} {kind}" for kind, count in nvlink_errors.items() if count)
        return Finding(WARN, total, limits.warn_above, "errors", f"{words} ({told})")
    return Finding(PASS, total, limits.warn_above, "errors", words)
