"""Each card may draw the power that its maker set as default.

Why: a card below its default limit lowers its clocks under load and is slower than its name says;
  above it, it is hotter and draws more than the supply was planned for.
Fix: Set the default again: nvidia-smi -pl with the watts named here; look for a script or service
  that sets it at boot.
Source: NVML's enforced and default power management limits; 0.5 W covers how they are rounded. The
  clock that is lost is a guess: power goes about with the cube of the clock, and tokens that wait
  for memory lose less.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import PASS, WARN, Finding

ID = "power-limit"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `power-limit`."""

    tolerance_w: float = 0.5  # a difference this small is rounding


def check(limits: Limits, *, power_limit_w: float, power_limit_default_w: float) -> Finding:
    got, default = power_limit_w, power_limit_default_w
    status = PASS if abs(got - default) <= limits.tolerance_w else WARN
    words = f"power limit {got:g} W, required {default:g} W"
    if status is WARN and default > 0:
        words += f" ({got / default:.0%} of the default{_loss(got / default)})"
    return Finding(status, got, default, "W", words)


def _loss(share: float) -> str:
    lost = 1 - share ** (1 / 3)
    return f": a clock about {lost:.0%} lower at full load" if lost > 0 else ""
