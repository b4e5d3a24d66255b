"""The card works at a clock near its best, or says why it does not.

Why: a card whose clock stays low under load, with neither heat nor power as its reason, is held
  back by a setting, a cable or a fault.
Fix: Look at locked and application clocks, at the power cables and at the event reasons of
  nvidia-smi -q -d PERFORMANCE while it works.
Source: clock cycles by nanoseconds, both read inside the kernel: 1,750 MHz while nvidia-smi, asked
  just after, said 1,980. That 0.6 is a fault, and 1.25 no clock of the card, are guesses.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding, Level, Status, where_proven
from preflight.measured import ComputeRate

ID = "clock-under-load"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `clock-under-load`."""

    fail_below: float = 0.6  # of the highest clock, without a reason
    unknown_above: float = 1.25  # of the highest clock: then the clock was not read
    # Reasons that explain a low clock, and are judged by other checks.
    reasons: tuple[str, ...] = ("sw_power_cap", "sw_thermal", "hw_thermal", "hw_power_brake")
    proven: tuple[str, ...] = ("hopper",)  # families on which this limit was seen to hold


def check(
    limits: Limits, *, tensor_rate: ComputeRate, clock_max_mhz: int, family: str | None = None
) -> Finding:
    got = tensor_rate.clock_mhz
    if got is None or clock_max_mhz <= 0:
        return Finding(Status.UNKNOWN, reason="the kernel told no clock")
    if got > limits.unknown_above * clock_max_mhz:
        why_not = f"{got:.0f} MHz, more than the {clock_max_mhz} that the card can do"
        return Finding(Status.UNKNOWN, round(got), reason=why_not)
    why = [reason for reason in tensor_rate.throttle if reason in limits.reasons]
    words = f"clock under load {got:.0f} MHz of {clock_max_mhz}"
    words += f", held back by {', '.join(why)}" if why else ""
    if got >= limits.fail_below * clock_max_mhz or why:
        return Finding(PASS, round(got), None, "MHz", words, basis="measured")
    status = where_proven(FAIL, limits.proven, family)
    least = round(limits.fail_below * clock_max_mhz)
    words += f", required {least} or a reason"
    return Finding(status, round(got), least, "MHz", words, basis="measured")
