"""The board's own log tells of no fault of power, heat or memory.

Why: the BMC keeps what happened while the system was down or could not write: a supply that lost
  its mains, a trip of a thermal limit, a memory error.
Fix: See the entries (ipmitool sel elist), mend what they name, and clear the log (ipmitool sel
  clear).
Source: ipmitool sel elist; 30 days are a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import shorten

from preflight.facts import BmcEvent, Host
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "bmc-events"
SUBJECT = Host
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `bmc-events`."""

    days: float = 30.0  # older entries are past
    # words in a sensor's name or event that make it one of power, heat, memory or a slot
    kinds: tuple[str, ...] = (
        "power",
        "psu",
        "volt",
        "temp",
        "therm",
        "fan",
        "memory",
        "ecc",
        "pci",
    )
    # words of events that are no fault
    ordinary: tuple[str, ...] = ("presence detected", "fully redundant", "power off", "power cycle")
    minor: tuple[str, ...] = ("correctable", "non-critical", "predictive")  # that warn


def check(limits: Limits, *, bmc_events: tuple[BmcEvent, ...]) -> Finding:
    recent = [event for event in bmc_events if _matters(limits, event)]
    if not recent:
        return Finding(
            PASS, 0, 0, message=f"no fault in the BMC's log of the last {limits.days:g} days"
        )
    last = {(event.sensor, event.message): event for event in recent}
    standing = [event for event in last.values() if _stands(limits, event)]
    status = FAIL if standing else WARN
    shown = list(dict.fromkeys(_words(event) for event in standing or last.values()))
    more = f" and {len(shown) - 4} more" if len(shown) > 4 else ""
    words = f"BMC's log: {'; '.join(shown[:4])}{more}"
    return Finding(status, len(recent), 0, "events", words)


def _matters(limits: Limits, event: BmcEvent) -> bool:
    text = f"{event.sensor} {event.message}".lower()
    is_past = event.age_days is not None and event.age_days > limits.days
    is_ordinary = any(word in text for word in limits.ordinary)
    return not is_past and not is_ordinary and any(word in text for word in limits.kinds)


def _stands(limits: Limits, event: BmcEvent) -> bool:
    """Asserted last of all, at a time that is known, and no mere warning."""
    text = event.message.lower().replace("uncorrectable", "")
    is_minor = any(word in text for word in limits.minor)
    return event.is_asserted and event.age_days is not None and not is_minor


def _words(event: BmcEvent) -> str:
    how = "" if event.is_asserted else " (over)"
    when = "" if event.age_days is None else f", {max(event.age_days, 0):.0f} days ago"
    return shorten(f"{event.sensor}: {event.message}{how}{when}", 100, placeholder="…")
