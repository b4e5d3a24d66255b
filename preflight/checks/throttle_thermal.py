"""No card is slowing down because of heat.

Why: a card that is too hot halves its clocks or worse; work takes longer, and in a group of cards
  all the others wait for it.
Fix: Clean the air way, look at fans and spacing, and lower the power limit until that is done.
Source: nvml.h, clocks event reasons. Its text says that the general hardware slowdown may also be
  reported during a change of clocks, so that one alone warns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "throttle-thermal"
SUBJECT = Gpu
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `throttle-thermal`."""

    warn_load_part_above: float = 0.05  # of the samples under load: slowed down by the driver


def check(
    limits: Limits,
    *,
    throttle_reasons: tuple[str, ...],
    heat_stop: str = "",
    throttle_under_load: Mapping[str, float] | None = None,
) -> Finding:
    held = throttle_under_load or {}
    if heat_stop:
        words = f"too hot while it was measured: {heat_stop}"
        return Finding(FAIL, message=words, basis="measured")
    if "hw_thermal" in held:
        words = "the hardware slowed the card down because of heat while it was measured"
        return Finding(FAIL, message=words, basis="measured")
    if "hw_thermal" in throttle_reasons:
        words = "the hardware slows the card down because of heat, now"
        return Finding(FAIL, throttle_reasons, message=words)
    if "sw_thermal" in throttle_reasons:
        words = "the driver slows the card down because of heat, now"
        return Finding(WARN, throttle_reasons, message=words)
    if held.get("sw_thermal", 0) > limits.warn_load_part_above:
        words = "the driver slowed the card down because of heat while it was measured"
        return Finding(WARN, message=words, basis="measured")
    if "hw_slowdown" in throttle_reasons and "hw_power_brake" not in throttle_reasons:
        words = "the hardware slows the card down, now; the driver does not say why"
        return Finding(WARN, throttle_reasons, message=words)
    return Finding(PASS, throttle_reasons, message="no slowing down because of heat now")
