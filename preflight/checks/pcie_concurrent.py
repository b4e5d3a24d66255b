"""All cards copy at once as fast as each of them alone.

Why: cards behind one uplink, a switch or a chipset, share it. A server that loads or serves on all
  cards then waits, although each card looks right by itself.
Fix: Put the cards into slots with lanes of their own; look at which of them hang on one port.
Source: the parts are guesses of ours; measured are all cards at once against the sum of single
  runs (two H100s kept 0.94 to 0.96).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import Finding, Level, graded, where_proven
from preflight.measured import CopiesTogether

ID = "pcie-concurrent"
SUBJECT = Host
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `pcie-concurrent`."""

    pass_at: float = 0.9  # of the sum of single runs
    warn_at: float = 0.6  # below it they share an uplink
    proven: tuple[str, ...] = ("hopper",)  # families on which these limits were seen to hold


def check(
    limits: Limits,
    *,
    copies_together: Mapping[str, CopiesTogether],
    gpu_families: tuple[str, ...] = (),
) -> Finding:
    parts = {way: sums.together_gb_s / sums.alone_gb_s for way, sums in copies_together.items()}
    worst = min(parts, key=parts.__getitem__)
    sums, part = copies_together[worst], parts[worst]
    words = (
        f"all cards at once {sums.together_gb_s:.1f} GB/s {worst}, one by one"
        f" {sums.alone_gb_s:.1f}; {sums.slowest} keeps {sums.slowest_part:.0%} of its own"
    )
    status = graded(part, limits.pass_at, limits.warn_at)
    status = where_proven(status, limits.proven, *gpu_families)
    return Finding(status, round(part, 3), limits.pass_at, None, words, basis="measured")
