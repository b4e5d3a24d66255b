"""The memory modules fill the processor's channels and run at their speed.

Why: each empty channel takes its share of the memory's bandwidth, which loading, offloading and
  copies between cards through host memory live on.
Fix: Put equal modules into every channel, in the slots that the board's manual names; set their
  speed in the BIOS.
Source: DMI, type 17; half of the channels and a tenth of the speed are guesses.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host, MemoryModules
from preflight.findings import PASS, WARN, Finding, Status

ID = "ram-speed"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `ram-speed`."""

    warn_at_share: float = 0.5  # of the channels that hold a module, or less
    warn_below_speed: float = 0.9  # of the speed for which the modules are made
    slots_per_channel: int = 2  # at least, where DMI names no channel


def check(limits: Limits, *, memory_modules: MemoryModules) -> Finding:
    told = memory_modules
    if told.per_channel is None and told.modules * limits.slots_per_channel > told.slots / 2:
        reason = f"{told.modules} of {told.slots} slots are filled, DMI names no channel"
        slow = _speed(limits, told)
        if not slow:
            return Finding(Status.UNKNOWN, reason=reason)
        return Finding(WARN, told.speed_mt_s, told.rated_mt_s, "MT/s", f"memory: {slow}")
    faults = [*_channels(limits, told), *filter(None, [_speed(limits, told)])]
    filled, channels = _filled(told)
    words = "; ".join(faults) or f"{filled} of {channels} filled"
    status = WARN if faults else PASS
    return Finding(status, told.modules, told.slots, "modules", f"memory: {words}")


def _filled(told: MemoryModules) -> tuple[int, str]:
    if told.per_channel is None:
        return told.modules, f"{told.slots} slots"
    return sum(count > 0 for count in told.per_channel), f"{len(told.per_channel)} channels"


def _channels(limits: Limits, told: MemoryModules) -> list[str]:
    if told.per_channel is None:
        return [f"{told.modules} of {told.slots} slots filled, at most half of the channels"]
    held = [count for count in told.per_channel if count]
    if len(held) <= limits.warn_at_share * len(told.per_channel) and len(told.per_channel) > 1:
        return [f"{len(held)} of {len(told.per_channel)} channels hold a module"]
    if len(set(held)) > 1:
        return [f"channels hold {min(held)} to {max(held)} modules, required the same in each"]
    return []


def _speed(limits: Limits, told: MemoryModules) -> str:
    """Empty where they are fast enough, or nothing tells."""
    got, rated = told.speed_mt_s, told.rated_mt_s
    if got is None or rated is None or got >= limits.warn_below_speed * rated:
        return ""
    return f"modules run at {got} MT/s, made for {rated}"
