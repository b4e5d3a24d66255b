"""All cards copy at once as fast as each of them alone.

Why: cards behind one uplink, a switch or a chipset, share it. A server that loads or serves on all
  cards then waits, although each card looks right by itself.
Fix: Put the cards into slots with lanes of their own; look at which of them hang on one port.
Source: the parts are guesses of ours; measured are all cards at once against the sum of single
  runs (two H100s kept 0.94 to 0.96). Of more cards, or of others, a low part warns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import GpuModel, Host
from preflight.findings import FAIL, Finding, Level, graded, two_of, where_proven
from preflight.measured import CopiesTogether

ID = "pcie-concurrent"
SUBJECT = Host
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"
_WENT_WRONG = (
    "Do what the error names; the kernel log and the other findings tell of which card it is."
)


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `pcie-concurrent`."""

    pass_at: float = 0.9  # of the sum of single runs
    warn_at: float = 0.6  # below it they share an uplink
    proven: tuple[str, ...] = ("H100 80GB HBM3", "H200")  # products on which two cards keep them


def check(
    limits: Limits,
    *,
    copies_together: Mapping[str, CopiesTogether] | str,
    gpu_models: tuple[GpuModel, ...] = (),
) -> Finding:
    if isinstance(copies_together, str):
        words = f"copies by all cards at once: {copies_together}"
        return Finding(FAIL, copies_together, message=words, remedy=_WENT_WRONG, basis="measured")
    parts = {way: sums.together_gb_s / sums.alone_gb_s for way, sums in copies_together.items()}
    worst = min(parts, key=parts.__getitem__)
    sums, part = copies_together[worst], parts[worst]
    words = (
        f"all cards at once {sums.together_gb_s:.1f} GB/s {worst}, one by one"
        f" {sums.alone_gb_s:.1f}; {sums.slowest} keeps {sums.slowest_part:.0%} of its own"
    )
    status = graded(part, limits.pass_at, limits.warn_at)
    status = where_proven(status, limits.proven, *two_of(gpu_models))
    return Finding(status, round(part, 3), limits.pass_at, None, words, basis="measured")
