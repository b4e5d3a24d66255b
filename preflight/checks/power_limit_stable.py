"""A power limit that was set stays while the driver stays loaded.

Why: a limit is forgotten when the driver lets go of the card, which it does after each program
  where persistence is off: the card then draws its full power, for which nobody planned the supply.
Fix: Switch persistence on, and set the limit in a systemd unit, so that it is there after a reboot.
Source: NVIDIA driver persistence documentation. Whether a unit sets it at boot cannot be read.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import PASS, WARN, Finding, Status

ID = "power-limit-stable"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"
_UNSET = "no limit other than the card's own is set"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `power-limit-stable`."""

    tolerance_w: float = 0.5  # drivers round limits


def check(
    limits: Limits, *, power_limit_w: float, power_limit_default_w: float, persistence_mode: bool
) -> Finding:
    if abs(power_limit_w - power_limit_default_w) <= limits.tolerance_w:
        return Finding(Status.NOT_APPLICABLE, reason=_UNSET)
    words = f"limit set to {power_limit_w:g} W"
    if persistence_mode:
        words += ": kept until the next reboot, by which a unit must set it again"
        return Finding(PASS, power_limit_w, unit="W", message=words)
    words += ", and persistence is off: forgotten after the next program"
    return Finding(WARN, power_limit_w, unit="W", message=words)
