"""Each card may run at the clocks of its product.

Why: a memory clock below that of the product gives fewer tokens for ever; above it, the card is
  overclocked and makes errors that nothing repairs. Clocks pinned low hold back every program.
Fix: Reset the clocks (nvidia-smi -rgc, -rmc, -rac); have a flashed VBIOS put back.
Source: NVML, greatest memory clock and bus width, against the catalogue's bandwidth; application
  clocks against their default.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "clock-limited"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `clock-limited`; shares of the product's memory bandwidth."""

    fail_below: float = 0.98  # slower memory than the product has
    warn_above: float = 1.03  # overclocked


def check(
    limits: Limits,
    *,
    memory_bandwidth_gb_s: float,
    catalog: Card,
    clock_application_mhz: int | None = None,
    clock_application_default_mhz: int | None = None,
) -> Finding:
    share = memory_bandwidth_gb_s / catalog.memory_gb_s
    stock = round(catalog.memory_gb_s)
    words = f"memory clock for {memory_bandwidth_gb_s:.0f} GB/s, the product has {stock}"
    figures = round(memory_bandwidth_gb_s), stock, "GB/s"
    if share < limits.fail_below:
        return Finding(FAIL, *figures, words, basis="catalog")
    if share > limits.warn_above:
        return Finding(WARN, *figures, f"{words}: overclocked", basis="catalog")
    now, default = clock_application_mhz, clock_application_default_mhz
    if now is not None and default is not None and now < default:
        words = f"programs may use {now} MHz, the card's default is {default}"
        return Finding(WARN, now, default, "MHz", words)
    return Finding(PASS, *figures, words, basis="catalog")
