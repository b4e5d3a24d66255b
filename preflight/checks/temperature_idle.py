"""Each card is cool while it does nothing.

Why: a card that is hot at rest has a blocked or dead fan, dried thermal paste or no air, and will
  slow down or switch off once it works.
Fix: Look at the fan, the dust and the air way; let the card rest for a few minutes and check again.
Source: 50 °C is a guess: recorded cards rest at 27 to 45 °C. One sample may meet a card that is
  still cooling down, so this warns and never fails.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import PASS, WARN, Finding, Status

ID = "temperature-idle"
SUBJECT = Gpu
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `temperature-idle`."""

    warn_above_c: int = 50  # of an idle card


def check(
    limits: Limits,
    *,
    temperature_c: int,
    is_idle: bool | None = None,
    fan_speed_percent: int | None = None,
) -> Finding:
    fan = "no fan reading" if fan_speed_percent is None else f"fan at {fan_speed_percent} %"
    words = f"temperature {temperature_c} °C, required at most {limits.warn_above_c} at rest; {fan}"
    if temperature_c <= limits.warn_above_c:
        return Finding(PASS, temperature_c, limits.warn_above_c, "°C", words)
    if not is_idle:
        state = "is at work" if is_idle is False else "may be at work"
        reason = f"{temperature_c} °C says nothing about rest while the card {state}"
        return Finding(Status.UNKNOWN, temperature_c, limits.warn_above_c, "°C", reason=reason)
    return Finding(WARN, temperature_c, limits.warn_above_c, "°C", words)
