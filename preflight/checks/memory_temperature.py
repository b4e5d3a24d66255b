"""Each card's memory is well below the temperature at which it slows down.

Why: hot memory makes more errors and wears out; at its limit the card lowers its clock, and every
  token with it. The chip itself may be cool meanwhile.
Fix: Look at fans, dust and air way; on an old card have the thermal pads of the memory renewed.
Source: NVML, memory temperature and its maximum; where the card tells none, that of an H100, which
  is 95 °C. The margins are a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "memory-temperature"
SUBJECT = Gpu
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `memory-temperature`."""

    warn_margin_below_c: int = 10  # degrees left to the card's own maximum; a guess
    fail_margin_below_c: int = 0  # above the maximum
    default_max_c: int = 95  # where the card tells none: an H100's HBM by NVML


def check(
    limits: Limits, *, memory_temperature_c: int, memory_temperature_max_c: int | None = None
) -> Finding:
    maximum = memory_temperature_max_c or limits.default_max_c
    margin = maximum - memory_temperature_c
    words = f"memory at {memory_temperature_c} °C, {margin} below its maximum of {maximum}"
    if margin < 0:
        words = f"memory at {memory_temperature_c} °C, above its maximum of {maximum}"
    status = PASS
    if margin < limits.warn_margin_below_c:
        status = FAIL if margin < limits.fail_margin_below_c else WARN
    expected = maximum - limits.warn_margin_below_c
    return Finding(status, memory_temperature_c, expected, "°C", words)
