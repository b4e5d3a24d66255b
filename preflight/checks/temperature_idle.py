"""Each card is cool while it does nothing.

Why: a card that is hot at rest has a blocked or dead fan, dried thermal paste or no air, and will
  slow down or switch off once it works.
Fix: Look at the fan, the dust and the air way; let the card rest for a few minutes and check again.
Source: 50 °C is a guess: recorded cards rest at 27 to 45 °C. One sample may meet a card that is
  still cooling down, so that it warns; one watched at rest before its first load fails above 60.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Finding, Status
from preflight.measured import Rest

ID = "temperature-idle"
SUBJECT = Gpu
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `temperature-idle`."""

    warn_above_c: int = 50  # of an idle card
    fail_above_c: int = 60  # of one that was watched at rest before its first load
    idle_percent: float = 5.0  # load up to which a watched card is at rest


def check(
    limits: Limits,
    *,
    temperature_c: int,
    is_idle: bool | None = None,
    fan_speed_percent: int | None = None,
    rest: Rest | None = None,
) -> Finding:
    fan = "no fan reading" if fan_speed_percent is None else f"fan at {fan_speed_percent} %"
    if rest is not None and rest.utilization_percent is not None:
        return _watched(limits, rest, rest.utilization_percent, fan)
    words = f"temperature {temperature_c} °C, required at most {limits.warn_above_c} at rest; {fan}"
    if temperature_c <= limits.warn_above_c:
        return Finding(PASS, temperature_c, limits.warn_above_c, "°C", words)
    if not is_idle:
        state = "is at work" if is_idle is False else "may be at work"
        reason = f"{temperature_c} °C says nothing about rest while the card {state}"
        return Finding(Status.UNKNOWN, temperature_c, limits.warn_above_c, "°C", reason=reason)
    return Finding(WARN, temperature_c, limits.warn_above_c, "°C", words)


def _watched(limits: Limits, rest: Rest, load: float, fan: str) -> Finding:
    """By what was seen for some seconds before the first load."""
    got, most = rest.temperature_c, limits.warn_above_c
    if got > most and load > limits.idle_percent:
        reason = f"{got:.0f} °C says nothing about rest at {load:.0f} % load"
        return Finding(Status.UNKNOWN, got, most, "°C", reason=reason)
    status = PASS if got <= most else WARN if got <= limits.fail_above_c else FAIL
    words = f"temperature {got:.0f} °C after {rest.window_s:.0f} s at rest, required at most {most}"
    return Finding(status, got, most, "°C", f"{words}; {fan}", basis="measured")
