"""What the kernel logged about GPUs and the hardware around them: `dmesg`, `journalctl -k`.

Seen with kernels 4.15 to 6.17 and drivers 430 to 595:

    [1084456.074562] NVRM: Xid (PCI:0000:09:00): 79, pid=0, GPU has fallen off the bus.
    [1084456.074566] NVRM: GPU 0000:09:00.0: GPU has fallen off the bus.
    Mar 29 15:38:59 host kernel: NVRM: Xid (PCI:0000:01:00): 45, pid=12542, name=VLLM::Worker
    [68183.615810] pcieport 0000:00:03.1: PCIe Bus Error: severity=Corrected, type=Data Link Layer
    [    0.344182] pci 0000:01:00.0: 126.024 Gb/s available PCIe bandwidth, limited by 16.0 GT/s …

A log without any of this is a fact (empty lists); a text that is no kernel log is NotThisKind.
"""

from __future__ import annotations

import re
from typing import Any

from preflight.errors import NotThisKind
from preflight.parsers import pci_address
from preflight.parsers.kernel_aer import Aer
from preflight.parsers.kernel_faults import Faults
from preflight.parsers.kernel_line import Line, lines

KIND = "kernel"
EXPECTED = "a kernel log (dmesg or journalctl -k)"

_MAX_TEXT = 512

_XID = re.compile(r"(?:NVRM: ?)?Xid \(([^()]{0,64})\): {0,4}(\d{1,4})\b[,: ]{0,4}(.*)", re.S)
_SXID = re.compile(
    r"nvidia-nvswitch\d{1,3}: SXid \(([^()]{0,64})\): {0,4}(\d{1,6}), (Fatal|Non-fatal), ?(.*)",
    re.S,
)
_PID = re.compile(r"pid='?(\d{1,10})")
# The end of a text that breaks off in the number of an Xid or of a process: it may be another's.
_HALF = re.compile(r"\n[^\n]{0,400}Xid \([^()\n]{0,64}\): {0,4}\d{1,3}\Z|pid='?\d{1,10}\Z")
_NAME = re.compile(r"\bname=([^,]{1,64}?)(?:,|$)")


def parse(text: str) -> dict[str, Any]:
    """One entry a message, in order; `lost` names a card once, by whatever words it was said."""
    xid: list[dict[str, Any]] = []
    sxid: list[dict[str, Any]] = []
    aer, faults = Aer(), Faults()
    is_kernel = False
    for line in lines(_without_half_number(text)):
        is_kernel = is_kernel or line.is_kernel
        sxid += _sxid(line)
        event = _xid(line)
        if event:
            xid.append(event)
        faults.see(line, event)
        aer.see(line)
    reports = aer.finish()
    if not is_kernel and not xid and not sxid and not reports and not faults.entries:
        raise NotThisKind(EXPECTED)
    return {
        "xid": xid,
        "sxid": sxid,
        "aer": reports,
        "lost": faults.lost,
        "faults": faults.finish(),
    }


def _without_half_number(text: str) -> str:
    half = _HALF.search(text, max(0, len(text) - 512))
    return text[: half.start()] if half else text


def _sxid(line: Line) -> list[dict[str, Any]]:
    """An NVSwitch's error by its first line; the lines of its data have no such word."""
    match = _SXID.match(line.message)
    if match is None:
        return []
    where, code, severity, text = match.groups()
    return [
        {
            "pci": pci_address.normal(where.removeprefix("PCI:").strip()),
            "code": int(code),
            "fatal": severity == "Fatal",
            "message": f"{severity}, {text}"[:_MAX_TEXT].strip(),
            "stamp": line.stamp,
        }
    ]


def _xid(line: Line) -> dict[str, Any] | None:
    """An Xid at the start of a message: one that another's text names is no event of its own."""
    match = _XID.match(line.message)
    if match is None:
        return None
    where, code, text = match.groups()
    pid, name = _PID.search(text), _NAME.search(text)
    process = name[1].strip() if name else ""
    return {
        "pci": pci_address.normal(where.removeprefix("PCI:").strip()),
        "code": int(code),
        "message": text[:_MAX_TEXT].strip() or None,
        "pid": int(pid[1]) if pid else None,
        "process": None if process == "" or process.startswith("<") else process,
        "stamp": line.stamp,
    }
