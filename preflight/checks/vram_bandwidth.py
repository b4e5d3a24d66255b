"""The card's memory is as fast as that of its product.

Why: each token reads all weights once, so that memory sets the speed of an answer. Memory that
  runs slower is of another product, clocked down, or repeats what it reads wrongly.
Fix: Look at ECC counters, row remapping and memory clocks; a card that stays slow goes back.
Source: a copy within the card, read plus written, by the catalogue's bandwidth: seen 0.90 on H100,
  0.89 on H200, 0.91 on RTX 4090, 0.80 on RTX 3090.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import Finding, Level, graded, where_proven
from preflight.measured import Measured

ID = "vram-bandwidth"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "replace"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `vram-bandwidth`."""

    pass_at: float = 0.85  # of the catalogue's bandwidth
    warn_at: float = 0.75  # of the catalogue's bandwidth
    proven: tuple[str, ...] = ("hopper",)  # families on which these limits were seen to hold


def check(limits: Limits, *, memory_bandwidth: Measured, catalog: Card) -> Finding:
    got, stock = memory_bandwidth.median, catalog.memory_gb_s
    status = graded(got / stock, limits.pass_at, limits.warn_at)
    status = where_proven(status, limits.proven, catalog.family)
    least = limits.pass_at * stock
    words = f"memory copy {got:.0f} GB/s, {got / stock:.0%} of the {stock:g} of a {catalog.name}"
    words += f", required {least:.0f}"
    return Finding(status, round(got, 1), round(least, 1), "GB/s", words, basis="measured")
