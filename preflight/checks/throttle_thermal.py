"""No card is slowing down because of heat.

Why: a card that is too hot halves its clocks or worse; work takes longer, and in a group of cards
  all the others wait for it.
Fix: Clean the air way, look at fans and spacing, and lower the power limit until that is done.
Source: nvml.h, clocks event reasons. Its text says that the general hardware slowdown may also be
  reported during a change of clocks, so that one alone warns.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "throttle-thermal"
SUBJECT = Gpu
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the driver names the reason."""


def check(limits: Limits, *, throttle_reasons: tuple[str, ...]) -> Finding:
    if "hw_thermal" in throttle_reasons:
        words = "the hardware slows the card down because of heat, now"
        return Finding(FAIL, throttle_reasons, message=words)
    if "sw_thermal" in throttle_reasons:
        words = "the driver slows the card down because of heat, now"
        return Finding(WARN, throttle_reasons, message=words)
    if "hw_slowdown" in throttle_reasons and "hw_power_brake" not in throttle_reasons:
        words = "the hardware slows the card down, now; the driver does not say why"
        return Finding(WARN, throttle_reasons, message=words)
    return Finding(PASS, throttle_reasons, message="no slowing down because of heat now")
