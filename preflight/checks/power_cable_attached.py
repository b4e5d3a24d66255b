"""Each card has all its power cables.

Why: a card that draws more than its slot gives needs its own cables; with one missing or half
  plugged it does not start, or runs at a fraction of its clock.
Fix: Power the host off and plug every connector of the card until it clicks, each from a cable of
  its own; then look at the supply.
Source: NVML, NVML_ERROR_INSUFFICIENT_POWER; nvidia-smi(1), exit status 8; NVIDIA Xid 54.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding

ID = "power-cable-attached"
SUBJECT = Gpu
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the driver complains or does not."""


def check(limits: Limits, *, power_cable_signs: tuple[str, ...]) -> Finding:
    if not power_cable_signs:
        return Finding(PASS, message="the driver finds its extra power attached")
    return Finding(FAIL, power_cable_signs, message="; ".join(power_cable_signs))
