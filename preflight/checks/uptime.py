"""The host has been up long enough for its log to say something.

Why: a log of a few minutes shows no fault of last night; a host that was just rebooted hides what
  it was rebooted for.
Fix: Check again later, or look at the log of the boot before.
Source: ten minutes are a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "uptime"
SUBJECT = Host
REMEDY_CLASS = "watch"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `uptime`."""

    warn_below_s: float = 600.0  # since boot


def check(limits: Limits, *, uptime_s: float) -> Finding:
    days, rest = divmod(int(uptime_s), 86400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    told = f"{days} days" if days > 1 else f"{24 * days + hours} h {minutes} min"
    is_young = uptime_s < limits.warn_below_s
    told = f"{minutes} min" if days + hours == 0 else told
    words = f"up for {told}"
    if is_young:
        words += f", required {limits.warn_below_s / 60:g} min: its log is young"
    return Finding(WARN if is_young else PASS, round(uptime_s), limits.warn_below_s, "s", words)
