"""Equal ways between cards are equally fast.

Why: a group of cards waits for its slowest pair; one pair behind its twins has a link that failed,
  or hangs on another port.
Fix: Compare that pair's NVLinks, slots and switches with those of the others.
Source: the parts are guesses of ours; two H100s differ by less than 0.1 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from preflight.facts import Host
from preflight.findings import Finding, Level, graded, where_proven

ID = "peer-bandwidth-spread"
SUBJECT = Host
LEVEL = Level.MEASURE
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `peer-bandwidth-spread`."""

    pass_at: float = 0.9  # slowest pair, of the median of its kind
    warn_at: float = 0.8  # of the median of its kind
    proven: tuple[str, ...] = ("hopper",)  # families on which these limits were seen to hold


def check(
    limits: Limits,
    *,
    peer_rates_gb_s: Mapping[str, Mapping[str, float]],
    gpu_families: tuple[str, ...] = (),
) -> Finding:
    parts = {
        (kind, way): rate / median(rates.values())
        for kind, rates in peer_rates_gb_s.items()
        for way, rate in rates.items()
    }
    kind, way = min(parts, key=parts.__getitem__)
    part, rates = parts[kind, way], peer_rates_gb_s[kind]
    words = f"slowest way of {kind}: {way} with {rates[way]:.1f} GB/s, {part:.0%} of the median"
    status = graded(part, limits.pass_at, limits.warn_at)
    status = where_proven(status, limits.proven, *gpu_families)
    return Finding(status, round(part, 3), limits.pass_at, None, words, basis="measured")
