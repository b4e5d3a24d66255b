"""The tensor cores do in each clock what those of the product do.

Why: all of a model's large products run on them. A chip with parts switched off, or of a lesser
  product under a new name, does less in a clock, whatever its clock or its power limit.
Fix: Compare with another card of the same name; a card that stays behind is not what it is called.
Source: operations counted in the kernel by its own clock cycles, for each multiprocessor, by the
  rate of the architecture. Two H100s reached 4,095.98 of 4,096 with wgmma.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import PASS, Finding, Level, Status, graded, where_proven
from preflight.measured import ComputeRate

ID = "tensor-throughput"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "replace"
_FIGURE = "tensor_flop_per_clock_sm"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `tensor-throughput`."""

    pass_at: float = 0.98  # of the catalogue's operations per clock and multiprocessor
    warn_at: float = 0.95  # of the catalogue's operations per clock and multiprocessor
    proven: tuple[str, ...] = ("hopper",)  # families whose kernel was seen to reach the limit
    unwritten: tuple[str, ...] = ("10.0", "10.3")  # capabilities whose own instruction is not used


def check(limits: Limits, *, tensor_rate: ComputeRate, catalog: Card) -> Finding:
    got = tensor_rate.per_clock_sm.median
    if _FIGURE not in catalog.figures:
        return Finding(Status.UNKNOWN, round(got), reason=f"no rate is known of a {catalog.name}")
    stock = catalog.figures[_FIGURE].value
    if catalog.compute_capability in limits.unwritten:
        why = f"{got:,.0f} of {stock:,.0f} by {tensor_rate.kernel or 'a kernel'}, which is not"
        return Finding(
            Status.NOT_APPLICABLE, round(got), reason=f"{why} the chip's own instruction"
        )
    status = graded(got / stock, limits.pass_at, limits.warn_at)
    status = where_proven(status, limits.proven, catalog.family)
    words = (
        f"tensor cores {got:,.0f} operations per clock and SM of {stock:,.0f} of a {catalog.name}"
    )
    words += f"{tensor_rate.beside()}, required {limits.pass_at:.0%}"
    if status is not PASS and catalog.family not in limits.proven:
        words += f"; that {tensor_rate.kernel or 'this kernel'} can reach it there is not proven"
    least = round(limits.pass_at * stock, 1)
    return Finding(status, round(got, 1), least, "flop/clock/SM", words, basis="measured")
