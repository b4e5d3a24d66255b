"""The kernel's log of this boot and the one before: Xids and faults, each told once.

The same line stands in dmesg's ring and in the journal; what repeats is counted in the log that
holds more of it, never in both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from preflight.capture import Capture, Source, plain
from preflight.errors import NotThisKind
from preflight.facts import (
    NOT_COLLECTED,
    Fact,
    KernelFault,
    Missing,
    NotApplicable,
    SwitchError,
    XidEvent,
)
from preflight.findings import FAIL, PASS
from preflight.parsers import kernel, kernel_scan
from preflight.understand.boot import booted, moment
from preflight.understand.picking import Picked
from preflight.understand.sources import Json, failure, refusal
from preflight.understand.xid_places import places
from preflight.xids import UNKNOWN
from preflight.xids import table as xids_table

T = TypeVar("T")

_LOGS = (("dmesg", 0), ("journal-kernel", 0), ("journal-kernel-previous", -1))
_SCAN = "kernel-scan"  # of a bug report: the driver's lines alone
# The kernel names itself in its first lines; what begins in the first seconds has lost at most
# lines of before any driver (5 s: a guess).
_BOOT = re.compile(r"Linux version \d|\A\s*(?:<\d{1,3}>)?\[ *[0-4]\.\d+\]")
_BOOT_LINES = 64 << 10
_BAR_FAULT = "bar-unassigned"
_LINK_FAULT = "limited-link"  # what a port gives, no fault of the kernel's
_UNPLACED = "xid-unplaced"
_UNPLACED_FATAL = "xid-unplaced-fatal"


@dataclass(frozen=True)
class Log:
    """One log as its parser understands it."""

    source: str
    boot: int
    events: Json
    is_cut: bool  # longer than the probe keeps, or it ended before its end
    reaches_boot: bool
    xids: Mapping[str | None, list[Json]]  # by address, None where the log hides it
    reports: Mapping[tuple[str, str], int]  # (port, severity) -> advanced error reports
    is_drivers: bool = False  # only the driver's own lines
    booted: Fact[float] = NOT_COLLECTED  # from when its stamps count, seconds since 1970

    def of(self, kind: str) -> Sequence[Json]:
        return self.events.get(kind) or ()


@dataclass(frozen=True)
class Logs:
    """The logs that could be read; `why` says for this boot why none could."""

    read: tuple[Log, ...]
    why: Missing

    @property
    def current(self) -> tuple[Log, ...]:
        return tuple(log for log in self.read if log.boot == 0)

    @property
    def whole(self) -> Logs:
        """Those that hold every line of the kernel."""
        return Logs(tuple(log for log in self.read if not log.is_drivers), self.why)

    @property
    def reach_boot(self) -> bool:
        """A ring that has wrapped, or a journal longer than what is kept, has lost its begin."""
        return any(log.reaches_boot for log in self.current)

    @property
    def names(self) -> str:
        return ", ".join(dict.fromkeys(log.source for log in self.read))

    def settled(self, found: tuple[T, ...]) -> Picked:
        """What was found; nothing found is a fact only where a log of this boot is whole."""
        if not self.current:
            return Picked(self.why)
        if not found and all(log.is_cut for log in self.current):
            return Picked(Missing("not-collected", "the kernel log was cut off"))
        if not found and not self.reach_boot:
            return Picked(Missing("not-collected", "the kernel log no longer reaches the boot"))
        return Picked(found, self.names)


def logs(capture: Capture) -> Logs:
    found, reasons = [], []
    since = booted(capture)
    for name, boot in _LOGS:
        log = _log(capture.sources.get(name), name, boot)
        if isinstance(log, Log):
            found.append(replace(log, booted=since) if boot == 0 else log)
        elif boot == 0:
            reasons.append(log)
    found += _scanned(capture.sources.get(_SCAN))
    telling = [why for why in reasons if why.reason not in ("not-collected", "tool-absent")]
    return Logs(tuple(found), next(iter(telling or reasons), NOT_COLLECTED))


def _scanned(source: Source | None) -> list[Log]:
    """The driver's lines of this boot, log by log, and of all boots before it together."""
    if source is None or failure(source):
        return []
    scan = kernel_scan.parse(source.stdout, is_cut=source.truncated)
    parts = [(text, 0) for text in scan.this_boot] + [(scan.before, -1)]
    logs = [_log(msgspec.structs.replace(source, stdout=text), _SCAN, boot) for text, boot in parts]
    return [
        replace(log, is_drivers=True, reaches_boot=scan.sees_driver_load)
        for log in logs
        if isinstance(log, Log)
    ]


def _log(source: Source | None, name: str, boot: int) -> Log | Missing:
    """A log that ended early still holds what it holds; an empty one says nothing."""
    why = failure(source)
    if source is None or (why is not None and why.reason != "timed-out"):
        return why or NOT_COLLECTED
    if not _has_lines(source.stdout):
        return refusal(source) or why or Missing("not-present", "the log is empty")
    if "Starting gVisor" in source.stdout[:4096]:
        return Missing("guest-view", "gVisor makes up its kernel log")
    try:
        events = kernel.parse(source.stdout)
    except NotThisKind as error:
        return Missing("not-parsed", str(error))
    is_cut = source.truncated or why is not None
    reaches_boot = _BOOT.search(source.stdout[:_BOOT_LINES]) is not None
    placed: dict[str | None, list[Json]] = {}
    for event in events["xid"]:
        placed.setdefault(event["pci"], []).append(event)
    ports = Counter((event["pci"], event["severity"]) for event in events["aer"])
    return Log(name, boot, events, is_cut, reaches_boot, placed, ports)


def _has_lines(text: str) -> bool:
    """journalctl says "-- No entries --" and the like where it shows nothing."""
    lines = (line.strip() for line in text[:4096].splitlines())
    return any(line and not line.startswith(("-- ", "No journal files")) for line in lines)


def xids(logs: Logs, pci: str, is_only_card: bool) -> Picked:
    """The Xid codes of one card; an Xid whose address was masked is the only card's."""

    def mine(log: Log) -> list[Json]:
        return log.xids.get(pci, []) + (log.xids.get(None, []) if is_only_card else [])

    groups = _grouped(logs, mine, lambda event: event["code"])
    return logs.settled(tuple(_xid(*group) for group in groups))


def faults(logs: Logs, subjects: Mapping[str, str], is_container: bool) -> Picked:
    """Kernel faults of all kinds; `subjects` names the cards by PCI address.

    An Xid of no known card is a fault of the host; in a container it is another tenant's. Of BARs
    without room only a card's count.
    """

    def fault_key(event: Json) -> tuple[str, str] | None:
        pci = event["pci"]
        is_others = is_container and pci is not None and pci not in subjects
        is_other_devices = event["kind"] == _BAR_FAULT and pci not in subjects
        if event["kind"] == _LINK_FAULT or is_others or is_other_devices:
            return None
        return event["kind"], subjects.get(pci, "host")

    def strays(log: Log) -> list[Json]:
        known = {*subjects, *((None,) if len(subjects) == 1 else ())}
        return [e for pci, events in log.xids.items() if pci not in known for e in events]

    found = [_fault(*group) for group in _grouped(logs, lambda log: log.of("faults"), fault_key)]
    if not is_container:
        groups = _grouped(logs, strays, lambda event: (event["pci"], event["code"]))
        found += [fault for fault in (_stray(*group) for group in groups) if fault]
    return logs.settled(tuple(found)) if found else logs.whole.settled(())


def switch_errors(logs: Logs, fabric: object) -> Picked:
    """The SXid codes of all NVSwitches; a host without a fabric has none to tell of."""
    groups = _grouped(
        logs, lambda log: log.of("sxid"), lambda e: (e["pci"] or "", e["code"], e["fatal"])
    )
    found = tuple(_switch_error(*group) for group in groups)
    if not found and isinstance(fabric, NotApplicable):
        return Picked(fabric)
    return logs.settled(found)


def _switch_error(key: tuple[str, int, bool], boot: int, events: list[Json]) -> SwitchError:
    pci, code, is_fatal = key
    message = _message(events[0])
    return SwitchError(code, pci, is_fatal, message, len(events), boot, _stamp(events[-1]))


def limits(logs: Logs, pci: str) -> Picked:
    """The kernel's "limited by" lines of one card; they are written while it boots."""
    told: dict[str, None] = {}
    for log in logs.current:
        for event in log.of("faults"):
            if event["kind"] == _LINK_FAULT and event["pci"] == pci:
                told[_message(event)] = None
    return logs.settled(tuple(told))


def reports(logs: Logs, port: str, severity: str) -> int:
    """Advanced error reports of one port in this boot, by the log that holds most."""
    return max((log.reports.get((port, severity), 0) for log in logs.current), default=0)


def was_lost(logs: Logs, pci: str) -> bool:
    """The kernel said in this boot that the card is gone."""
    return any(pci in log.events["lost"] for log in logs.current)


def _grouped(
    logs: Logs, events_of: Callable[[Log], Iterable[Json]], key: Callable[[Json], Any]
) -> Iterable[tuple[Any, int, list[Json]]]:
    """(key, boot, events) of the log that holds most events of that key in that boot.

    Of two that hold as many it is the journal, which stamps them with dates.
    """
    best: dict[tuple[Any, int], list[Json]] = {}
    since: dict[tuple[Any, int], Fact[float]] = {}
    for log in logs.read:
        mine: dict[Any, list[Json]] = {}
        for event in events_of(log):
            name = key(event)
            if name is not None:
                mine.setdefault(name, []).append(event)
        for name, events in mine.items():
            kept = len(best.get((name, log.boot), ()))
            if len(events) > kept or (len(events) == kept and log.source == "journal-kernel"):
                best[name, log.boot] = events
                since[name, log.boot] = log.booted
    return [(*key, _timed(events, since[key])) for key, events in best.items()]


def _timed(events: list[Json], since: Fact[float]) -> list[Json]:
    """The same events; the first and the last with times where they have the kernel's stamps."""
    first, last = (
        {**event, "stamp": moment(_stamp(event), since)} for event in (events[0], events[-1])
    )
    return [first, *events[1:-1], last] if len(events) > 1 else [first]


def _xid(code: int, boot: int, events: list[Json]) -> XidEvent:
    first, last = _stamp(events[0]), _stamp(events[-1])
    return XidEvent(code, _message(events[0]), len(events), boot, first, last, places(events))


def _fault(key: tuple[str, str], boot: int, events: list[Json]) -> KernelFault:
    first, last = _stamp(events[0]), _stamp(events[-1])
    return KernelFault(*key, _message(events[0]), len(events), boot, first, last)


def _stray(key: tuple[str | None, int], boot: int, events: list[Json]) -> KernelFault | None:
    """An Xid of no card that is known: what would fail a card fails the host; None for a note."""
    pci, code = key
    event = _xid(code, boot, events)
    status = xids_table().get(code, UNKNOWN).judge([event])
    if status is PASS:
        return None
    message = f"Xid {code} at {pci or 'an address that the log hides'}: {event.message}"
    kind = _UNPLACED_FATAL if status is FAIL else _UNPLACED
    return KernelFault(kind, "host", message, event.count, boot, event.first, event.last)


def _message(event: Json) -> str:
    return plain(str(event.get("message") or ""))[:400]


def _stamp(event: Json) -> str:
    return plain(str(event.get("stamp") or ""))[:64]
