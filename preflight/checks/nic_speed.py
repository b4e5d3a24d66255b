"""Each network card runs at full duplex and keeps its link.

Why: a bad cable or port falls back to 100 Mb/s or half duplex, or loses its link again and again;
  a model of 140 GB then takes hours to fetch.
Fix: Replace the cable, try another port of the switch.
Source: /sys/class/net, and ethtool for what card and port both offer; that 1 Gb/s is the least and
  one lost link an hour too much are guesses.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host, Nic
from preflight.findings import PASS, WARN, Finding, Status

ID = "nic-speed"
SUBJECT = Host
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `nic-speed`."""

    warn_below_mbit_s: int = 1000  # of a card that has a link
    warn_at_flaps_per_hour: float = 1.0  # link lost and found again, since boot


def check(limits: Limits, *, nics: tuple[Nic, ...], uptime_s: float | None = None) -> Finding:
    faults = [fault for nic in nics for fault in _faults(limits, nic, uptime_s)]
    told = tuple(f"{nic.name} {_speed(nic)}" for nic in nics)
    if faults:
        return Finding(WARN, told, message="network: " + "; ".join(faults[:8]))
    if all(nic.speed_mbit_s is None for nic in nics):
        reason = f"{', '.join(nic.name for nic in nics[:8])}: the driver tells no speed"
        return Finding(Status.UNKNOWN, told, reason=reason)
    return Finding(PASS, told, message="network: " + ", ".join(told[:8]))


def _faults(limits: Limits, nic: Nic, uptime_s: float | None) -> list[str]:
    faults = []
    if nic.duplex == "half":
        faults.append(f"{nic.name} at half duplex, required full")
    if nic.speed_mbit_s is not None and nic.speed_mbit_s < limits.warn_below_mbit_s:
        faults.append(f"{nic.name} at {_speed(nic)}, required {limits.warn_below_mbit_s} Mb/s")
    able = nic.speed_able_mbit_s
    if nic.speed_mbit_s is not None and able is not None and nic.speed_mbit_s < able:
        faults.append(f"{nic.name} at {_speed(nic)}, card and port could {able} Mb/s")
    flaps = ((nic.carrier_changes or 0) - 2) // 2  # coming up at boot is up to two changes
    hours = max(uptime_s or 0.0, 3600.0) / 3600
    if uptime_s is not None and flaps / hours >= limits.warn_at_flaps_per_hour:
        faults.append(f"{nic.name} lost its link {flaps} times in {hours:.0f} h")
    return faults


def _speed(nic: Nic) -> str:
    return "speed not told" if nic.speed_mbit_s is None else f"{nic.speed_mbit_s} Mb/s"
