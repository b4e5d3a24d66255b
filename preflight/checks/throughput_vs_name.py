"""The card performs as the product that it is called, and as no other.

Why: name, memory size and ids can be written into a card; what it computes in a clock and how fast
  its memory is cannot. A card that measures like a cheaper one is that one.
Fix: Do not take the card for the model that it names; ask for the one that was promised.
Source: tensor operations of the whole card in a clock and bandwidth of its memory, nearest among
  the catalogue's products of its compute capability. Both tolerances are guesses; two H100s were
  1 % from their own, and the copy of an RTX 3090 is 11 % from what it is of other products.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import FAIL, PASS, WARN, Finding, Level, where_proven
from preflight.measured import NearestProduct

ID = "throughput-vs-name"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "replace"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `throughput-vs-name`."""

    tolerance: float = 0.10  # away from its own product's figures
    unlike: float = 0.15  # away from every product's figures: like none
    proven: tuple[str, ...] = ("hopper",)  # families whose figures were seen to be so near


def check(limits: Limits, *, nearest_product: NearestProduct, catalog: Card) -> Finding:
    near = nearest_product
    what = f"{near.tensor_flop_per_clock:,.0f} tensor operations a clock and"
    what += f" {near.memory_gb_s:.0f} GB/s of memory"
    is_own = near.name == catalog.name or near.own_distance <= limits.tolerance
    if is_own and near.own_distance > max(limits.unlike, limits.tolerance):
        words = f"{what}: like no product, {near.own_distance:.0%} from a {catalog.name}"
        return Finding(WARN, None, catalog.name, None, words, basis="measured")
    if is_own:
        words = f"{what}: {near.own_distance:.0%} from a {catalog.name}"
        return Finding(PASS, catalog.name, catalog.name, None, words, basis="measured")
    status = where_proven(FAIL, limits.proven, catalog.family)
    words = f"{what}: measures like a {near.name} ({near.distance:.0%} away), is called"
    words += f" {catalog.name} ({near.own_distance:.0%} away)"
    return Finding(status, near.name, catalog.name, None, words, basis="measured")
