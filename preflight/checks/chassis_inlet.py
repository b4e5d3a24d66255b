"""The air that comes into the chassis is cool.

Why: fans can only cool down to the air that they are given; warm air in a rack costs clock under
  load.
Fix: Look at the room's cooling, at blanking panels, and for warm air that comes around.
Source: ASHRAE TC 9.9: 27 °C is recommended, 35 °C allowed (class A2); the BMC's inlet or ambient
  sensor.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "chassis-inlet"
SUBJECT = Host
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `chassis-inlet`."""

    warn_above_c: float = 27.0  # recommended
    fail_above_c: float = 35.0  # allowed


def check(limits: Limits, *, inlet_temperature_c: float) -> Finding:
    got = inlet_temperature_c
    status = PASS if got <= limits.warn_above_c else WARN
    if got > limits.fail_above_c:
        status = FAIL
    words = f"air comes in at {got:g} °C, required at most {limits.warn_above_c:g}"
    return Finding(status, got, limits.warn_above_c, "°C", words)
