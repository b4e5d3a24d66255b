"""A card that does nothing draws little.

Why: an idle card that draws much is not idle, cannot lower its clocks, or has a fault; either way
  it costs money and heats its neighbours.
Fix: Look for programs that hold the card; set persistence mode; look at locked clocks.
Source: two H200s drew 123 to 129 W at rest, two H100s 72 W; GeForce cards 10 to 30 W in P8. Both
  limits are guesses above that.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import PASS, WARN, Finding, Level, Status
from preflight.measured import Rest

ID = "power-idle"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "watch"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `power-idle`."""

    geforce_w: float = 40.0  # the lowest draw while it was watched
    other_w: float = 140.0  # of workstation and data-centre cards
    idle_percent: float = 5.0  # load up to which a card counts as idle


def check(limits: Limits, *, rest: Rest, catalog: Card) -> Finding:
    if rest.power_w is None:
        return Finding(Status.UNKNOWN, reason="the card tells no draw")
    if rest.utilization_percent is None or rest.utilization_percent > limits.idle_percent:
        told = rest.utilization_percent
        state = "its load was not told" if told is None else f"it was at {told:.0f} % load"
        return Finding(Status.UNKNOWN, rest.power_w, unit="W", reason=f"not at rest: {state}")
    most = limits.geforce_w if catalog.form == "geforce" else limits.other_w
    state = f" in {rest.performance_state}" if rest.performance_state else ""
    words = f"{rest.power_w:.0f} W at rest{state}, required at most {most:g} W"
    status = PASS if rest.power_w <= most else WARN
    return Finding(status, round(rest.power_w, 1), most, "W", words, basis="measured")
