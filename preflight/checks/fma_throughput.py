"""The FP32 units do in each clock what those of the product do.

Why: a card made for mining, or a lesser chip under a new name, holds back its arithmetic, which no
  name and no memory size shows.
Fix: Compare with another card of the same name; a card that stays behind is not what it is called.
Source: fused multiply-adds counted in the kernel by its own clock cycles, for each multiprocessor:
  128 lanes are 256 operations (64 lanes on GA100). Two H100s reached 254.0 of 256.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import PASS, Finding, Level, Status, graded, where_proven
from preflight.measured import ComputeRate

ID = "fma-throughput"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "replace"
_FIGURE = "fp32_flop_per_clock_sm"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `fma-throughput`."""

    pass_at: float = 0.97  # of the catalogue's operations per clock and multiprocessor
    warn_at: float = 0.93  # of the catalogue's operations per clock and multiprocessor
    proven: tuple[str, ...] = ("hopper",)  # families whose kernel was seen to reach the limit


def check(limits: Limits, *, fma_fp32: ComputeRate, catalog: Card) -> Finding:
    got = fma_fp32.per_clock_sm.median
    if _FIGURE not in catalog.figures:
        return Finding(Status.UNKNOWN, round(got), reason=f"no rate is known of a {catalog.name}")
    stock = catalog.figures[_FIGURE].value
    status = graded(got / stock, limits.pass_at, limits.warn_at)
    status = where_proven(status, limits.proven, catalog.family)
    words = f"FP32 units {got:,.0f} operations per clock and SM of {stock:,.0f} of a {catalog.name}"
    words += f"{fma_fp32.beside()}, required {limits.pass_at:.0%}"
    if status is not PASS and catalog.family not in limits.proven:
        words += f"; that {fma_fp32.kernel or 'this kernel'} can reach it there is not proven"
    least = round(limits.pass_at * stock, 1)
    return Finding(status, round(got, 1), least, "flop/clock/SM", words, basis="measured")
