"""Kernel log lines as stamp and message, whatever stands before the message.

Nothing (dmesg -t), `[ 1843.308145]`, `[Sun Feb 23 16:24:18 2025]`, `<6>[…]`, raw /dev/kmsg,
syslog and journald in any language, ISO stamps, and log collectors' own words before those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from preflight.parsers.recording import plain_text

_MAX_MESSAGE = 4096  # the kernel's own limit is 1 KiB; what is longer was glued together
_MAX_HEAD = 400
_MAX_REPEATS = 1000

_TAG = re.compile(r"(?:^|\s)kernel(?:\[\d{1,7}\])?: ?")
_SECONDS = r"\[\s{0,8}[+]?\d{1,10}\.\d{6}(?:\s{0,4}<[^>\]]{1,20}>)?\]"
_CTIME = r"\[[A-Z][a-z]{2} ?(?:[A-Z][a-z]{2})?\s{0,2}\d{1,2} \d\d:\d\d(?::\d\d \d{4})?\]"
_KMSG = r"\d{1,3},\d{1,20},\d{1,20},[^;\s]{1,40};"
_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_SYSLOG = r"[^\s\d][^\s:\[]{0,11}\.?\s{1,2}\d{1,2}\s{1,2}(?:\d{4} )?\d{1,2}:\d\d:\d\d"
_CHINESE = r"\d{1,2}月 {1,2}\d{1,2} \d\d:\d\d:\d\d"

_DMESG_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{6}[+-]\d\d:\d\d"  # its comma is dmesg's own

_FACILITY = rf"kern: {{1,8}}[a-z]{{1,8}}: \[{_ISO}\]:"  # behind the name of a machine

_KERNEL_STAMP = re.compile(f"(?:{_SECONDS}|{_CTIME}|{_KMSG}|{_DMESG_ISO}|{_FACILITY})")
# The head that a bare log puts before a message, after `kernel:` where there is one.
_HEAD = re.compile(
    r"\s{0,200}(?:<\d{1,3}>)?(?P<facility>kern {0,3}:[a-z]{1,8} {0,3}: ?)?"
    f"(?:(?:{_SECONDS}|{_CTIME}|{_KMSG}|{_ISO}|{_SYSLOG}|{_CHINESE})(?:\\s|(?<=;)|$))?"
    r"\s{0,40}(?:\[\s{0,5}[TC]\d{1,7}\]:?\s{1,4})?"
)
_STAMP = re.compile(f"{_ISO}|{_CHINESE}|{_SYSLOG}|{_SECONDS}|{_CTIME}|{_KMSG}")
# A program's own line that quotes the kernel is no kernel message: `gpud[812]: NVRM: Xid …`.
_PROGRAM = re.compile(r"[A-Za-z][\w.@/-]{0,60}\[\d{1,8}\]: ")
_PROGRAM_FIRST = re.compile(r"(?:[\w.-]{1,64} )?[A-Za-z][\w.@/-]{0,60}\[\d{1,8}\]: ")
_STARTER = re.compile(
    r"(?<![\w\"'(\[])(?:NVRM: |pcieport [0-9a-f]{4}:|nvidia [0-9a-f]{4}:[0-9a-f]{2}:|"
    r"pci [0-9a-f]{4}:[0-9a-f]{2}:|EDAC MC\d|\[Hardware Error\])"
)
_REPEATED = re.compile(r"message repeated (\d{1,6}) times: \[ ?(.*?)\]?$", re.S)
# How messages of a log without any stamp begin.
_BARE = re.compile(
    r"(?:NVRM: |nvidia-(?:nvlink|modeset|uvm|nvswitch\d{0,2}): |pcieport [0-9a-f]{4}:"
    r"|pci [0-9a-f]{4}:[0-9a-f]{2}:|pci_bus [0-9a-f]{4}:|ACPI: [A-Z]|BIOS-e820:"
    r"|EDAC |mce: |acpi PNP|Command line: |Out of memory: )"
)


# Some word of every message that is understood. Of other lines the head is looked at in the first
# ones only: a log says at once that it is one, and half a million others say nothing more.
_WORTH = re.compile(
    r"NVRM|Xid|AER|PCIe Bus|EDAC|LOCKUP|lockup|NMI|error|Error|temperature|module|invoked oom"
    r"|Killed|BAR |limited by|mce|panic|repeated"
)
_LOOKED_AT = 2000


class Line(NamedTuple):
    number: int
    stamp: str | None  # as logged: "1843.308145", "Feb 14 08:31:10"
    message: str
    is_kernel: bool  # the head, or the message's own first word, says so


def lines(text: str) -> Iterator[Line]:
    """The messages in order; one that syslog counted instead of repeating comes that often."""
    for number, raw in enumerate(plain_text(text).split("\n")):
        if number >= _LOOKED_AT and not _WORTH.search(raw):
            continue
        line = _line(number, raw)
        repeated = _REPEATED.match(line.message)
        if repeated is None:
            yield line
            continue
        for _ in range(min(int(repeated[1]), _MAX_REPEATS)):
            yield line._replace(message=repeated[2])


def _line(number: int, raw: str) -> Line:
    tag = _TAG.search(raw, 0, _MAX_HEAD)
    if tag and _PROGRAM.search(raw, 0, tag.start() + 1):
        tag = None  # a program quotes the kernel
    start = tag.end() if tag else 0
    head = _HEAD.match(raw, start)
    end = head.end() if head else start
    is_kernel = bool(tag or (head and head["facility"]) or _KERNEL_STAMP.search(raw, start, end))
    if not is_kernel:
        end, is_kernel = _after_unknown_head(raw, end)
    message = raw[end : end + _MAX_MESSAGE].strip()
    if _PROGRAM_FIRST.match(message):
        message = ""
    stamp = _STAMP.search(raw, max(0, end - _MAX_HEAD), end) if end else None
    told = _stamp(stamp.group()) if stamp else None
    return Line(number, told, message, is_kernel or _BARE.match(message) is not None)


def _after_unknown_head(raw: str, end: int) -> tuple[int, bool]:
    """Where the message begins behind a head that nobody knows, and whether that is certain.

    Behind the kernel's own stamp, or where the driver's or a port's words begin.
    """
    stamp = _KERNEL_STAMP.search(raw, end, end + _MAX_HEAD)
    found = stamp or _STARTER.search(raw, end)
    if found is None or _PROGRAM.search(raw, max(0, found.start() - _MAX_HEAD), found.start()):
        return end, False
    return (stamp.end(), True) if stamp else (found.start(), False)


def _stamp(text: str) -> str:
    """Without its brackets; of a /dev/kmsg head the microseconds."""
    kmsg = re.match(r"\d{1,3},\d{1,20},(\d{1,20}),", text)
    return kmsg[1] if kmsg else text.strip("[] \t")
