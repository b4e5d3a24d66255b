"""What nvidia-bug-report.sh greps out of the kernel's logs, parted by boots and told once.

Seen with drivers 358 to 580:

      /var/log/kern.log:
    Feb 12 13:06:41 host kernel: [614111.868353] NVRM: Xid (PCI:0000:1a:00): 43, pid=1786606
      journalctl -b -0:
    Feb 14 12:52:00 host kernel: NVRM: Xid (PCI:0000:68:00): 62, pid=2066, 0cb5(2d50)

A file of the log holds this boot and weeks before it; journalctl tells boots apart. The same line
stands in both, with another head.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from preflight.parsers.kernel_line import Line, lines
from preflight.parsers.recording import plain_text

_TITLE = re.compile(r"^ {2}(/var/log/\S{1,40}|journalctl -b -?\d):$", re.MULTILINE)
_THIS_BOOT = "journalctl -b -0"
_LATEST_FIRST = ("journalctl -b -0", "journalctl -b -1", "journalctl -b -2")
_SNAPSHOT = "/var/log/dmesg"  # of the begin of a boot, which may be an old one
_UPTIME = re.compile(r"\[\s{0,8}(\d{1,10})\.\d{6}\]")
_DRIVER_LOADS = re.compile(r"NVRM: loading NVIDIA|Nvlink Core is being initialized")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_SYSLOG = re.compile(
    r"([A-Za-z]{3})[a-z]{0,8}\.?\s{1,2}(\d{1,2})\s{1,2}(?:\d{4} )?(\d\d):(\d\d):(\d\d)"
)
_ISO = re.compile(r"\d{4}-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)")
_CHINESE = re.compile(r"(\d{1,2})月 {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)")

Moment = tuple[int, ...]  # month, day, hour, minute, second: syslog tells no year


@dataclass(frozen=True)
class Scan:
    """Log texts: each of `this_boot` holds all or part of the same lines, `before` none of them."""

    this_boot: tuple[str, ...]
    before: str
    sees_driver_load: bool  # a log of this boot begins no later than its driver


def parse(text: str, is_cut: bool = False) -> Scan:
    """Of a scan that ends early, without the journal of this boot, no line is known to be of it."""
    parts = _parts(plain_text(text))  # once, so that line numbers hold below
    journal = parts.get(_THIS_BOOT, "")
    begin = _first_moment(journal)
    current, history = [journal], []
    for title, part in parts.items():
        if title not in (*_LATEST_FIRST, _SNAPSHOT):
            is_old = is_cut and _THIS_BOOT not in parts
            old, new = (part, "") if is_old else _split(part, begin)
            current.append(new)
            history.append(old)
    history += [parts.get(title, "") for title in _LATEST_FIRST[1:]]
    told = tuple(part for part in current if part.strip())
    return Scan(told, _merged(history, begin), any(map(_DRIVER_LOADS.search, told)))


def _parts(text: str) -> dict[str, str]:
    """Each log's lines by its title; a title that comes twice keeps the first."""
    starts = [*_TITLE.finditer(text)]
    ends = [*(start.start() for start in starts[1:]), len(text)]
    found: dict[str, str] = {}
    for start, end in zip(starts, ends, strict=False):
        found.setdefault(start[1], text[start.end() : end].strip("\n"))
    return found


def _split(part: str, begin: Moment | None) -> tuple[str, str]:
    """(before this boot, of this boot): by the journal's first line, else where uptime restarts."""
    rows = part.split("\n")
    place = _begin_by_uptime(rows) if begin is None else _begin_by_moment(rows, begin)
    return "\n".join(rows[:place]), "\n".join(rows[place:])


def _begin_by_moment(rows: list[str], begin: Moment) -> int:
    """From the end upwards, as long as lines are no older than the boot."""
    place = len(rows)
    for index in range(len(rows) - 1, -1, -1):
        moment = _moment(rows[index][:80])
        if moment is not None and _is_older(moment, begin):
            break
        if moment is not None:
            place = index
    return place


def _begin_by_uptime(rows: list[str]) -> int:
    """Where seconds since the boot last fell; without them, where the driver was last loaded."""
    place, before = 0, -1
    for index, row in enumerate(rows):
        match = _UPTIME.search(row[:200])
        if match:
            place = index if int(match[1]) < before else place
            before = int(match[1])
    if before >= 0:
        return place
    loads = (index for index in range(len(rows) - 1, -1, -1) if _DRIVER_LOADS.search(rows[index]))
    return next(loads, 0)


def _is_older(moment: Moment, begin: Moment) -> bool:
    return _since(moment, begin) < (0, *begin[1:])


def _since(moment: Moment, begin: Moment) -> Moment:
    """With months counted from another moment, half a year each way: December is before January."""
    return ((moment[0] - begin[0] + 6) % 12 - 6, *moment[1:])


def _first_moment(part: str) -> Moment | None:
    moments = (_moment(row[:80]) for row in part.split("\n"))
    return next((moment for moment in moments if moment), None)


def _moment(head: str) -> Moment | None:
    for pattern in (_ISO, _CHINESE):
        if match := pattern.search(head):
            return tuple(map(int, match.groups()))
    match = _SYSLOG.match(head)
    month = _MONTHS.get(match[1].lower()) if match else None
    return (month, *map(int, match.groups()[1:])) if match and month else None


def _merged(parts: Iterable[str], begin: Moment | None) -> str:
    """Every line once, in order of time: of a later log those that no log before it had."""
    parts = [*parts]
    begin = begin or _first_moment("\n".join(reversed(parts[0].split("\n"))) if parts else "")
    kept: list[tuple[Moment, str]] = []
    seen: set[tuple[Moment | None, str]] = set()
    for part in parts:
        rows = part.split("\n")
        found = [(rows[line.number], _key(line)) for line in lines(part)]
        now: Moment = ()  # a line without a time has that of the line before it
        for row, key in found:
            now = _since(key[0], begin or key[0]) if key[0] else now
            if key not in seen:
                kept.append((now, row))
        seen |= {key for _, key in found}
    return "\n".join(row for _, row in sorted(kept, key=lambda pair: pair[0]))


def _key(line: Line) -> tuple[Moment | None, str]:
    return _moment(line.stamp or ""), line.message
