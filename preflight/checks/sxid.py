"""The kernel log tells of no error of an NVSwitch.

Why: the switches between the cards log their own errors. A fatal one takes links down for all cards
  that hang on it; jobs then hang or end, and no card seems at fault.
Fix: Reset all cards and switches, or reboot; restart the fabric manager; when it comes back it is a
  service case.
Source: NVIDIA Fabric Manager user guide, SXid errors: fatal and non-fatal.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host, SwitchError
from preflight.findings import FAIL, PASS, WARN, Finding, when

ID = "sxid"
SUBJECT = Host
REMEDY_CLASS = "reboot"
_SHOWN = 4
_WATCH = "Watch the count; reset cards and switches when jobs fail at the same time."


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `sxid`."""

    fail_when_fatal: bool = True  # a link was lost; non-fatal ones warn


def check(limits: Limits, *, sxids: tuple[SwitchError, ...]) -> Finding:
    if not sxids:
        return Finding(PASS, (), message="no NVSwitch error in the kernel log")
    worst_first = sorted(sxids, key=lambda error: (not error.is_fatal, -error.boot, -error.count))
    parts = [_one(error) for error in worst_first[:_SHOWN]]
    if len(worst_first) > _SHOWN:
        parts.append(f"{len(worst_first) - _SHOWN} more")
    status = FAIL if limits.fail_when_fatal and worst_first[0].is_fatal else WARN
    codes = tuple(sorted({error.code for error in sxids}))
    words = "; ".join(parts)
    if not worst_first[0].is_fatal:
        return Finding(status, codes, message=words, remedy=_WATCH, remedy_class="watch")
    return Finding(status, codes, message=words)


def _one(error: SwitchError) -> str:
    last = when(error.last, error.boot)
    return f"SXid {error.code} x{error.count} at {error.pci} (last {last}): {error.message[:80]}"
