"""No power supply or board is telling a card to slow down.

Why: a supply that is overloaded or failing pulls the card's power brake line; the card then drops
  its clocks to a fraction until the line is released.
Fix: Look at the supplies (BMC's event log, both fed?), the power cables and the total load.
Source: nvml.h, clocks event reason HW power brake slowdown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding

ID = "power-brake"
SUBJECT = Gpu
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the line is pulled or is not."""


def check(
    limits: Limits,
    *,
    throttle_reasons: tuple[str, ...],
    throttle_under_load: Mapping[str, float] | None = None,
) -> Finding:
    if "hw_power_brake" in throttle_reasons:
        words = "the power supply or the board slows the card down, now (power brake)"
        return Finding(FAIL, throttle_reasons, message=words)
    if "hw_power_brake" in (throttle_under_load or {}):
        words = "the power supply or the board slowed the card down under load (power brake)"
        return Finding(FAIL, message=words, basis="measured")
    return Finding(PASS, throttle_reasons, message="the power brake is not pulled")
