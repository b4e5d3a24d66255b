"""Every power supply works.

Why: a host with one of two supplies dead runs until the other one is overloaded by the cards'
  peaks.
Fix: Look at the supply's lamp and its mains cable; replace the supply.
Source: the BMC's sensors of state (ipmitool sdr): the code beside a failed supply still says ok.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host, PowerSupply
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "psu-redundancy"
SUBJECT = Host
REMEDY_CLASS = "replace"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `psu-redundancy`."""

    # words of a state that tell of a fault
    failing: tuple[str, ...] = ("failure", "ac lost", "input lost", "out of range", "error")
    # words of the whole that tell that no supply is spare
    lost: tuple[str, ...] = ("redundancy lost", "degraded", "non-redundant")


def check(
    limits: Limits,
    *,
    power_supplies: tuple[PowerSupply, ...],
    power_redundancy: str = "",
) -> Finding:
    told = tuple(f"{psu.name}: {psu.state or 'not there'}" for psu in power_supplies)
    failed = [psu for psu in power_supplies if _says(psu.state, limits.failing)]
    absent = [psu for psu in power_supplies if not psu.state]
    if failed:
        words = "; ".join(f"{psu.name}: {psu.state}" for psu in failed[:8])
        return Finding(FAIL, told, message=f"power supply {words}")
    if _says(power_redundancy, limits.lost):
        return Finding(WARN, told, message=f"power supplies: {power_redundancy}")
    if absent:
        words = ", ".join(psu.name for psu in absent[:8])
        return Finding(WARN, told, message=f"power supply {words} is not there")
    noun = "supply" if len(told) == 1 else "supplies"
    return Finding(PASS, told, message=f"{len(told)} power {noun} without a fault")


def _says(state: str, words: tuple[str, ...]) -> bool:
    return any(word in state.lower() for word in words)
