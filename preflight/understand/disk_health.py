"""What the disks tell of their own health, by smartctl's JSON (7.0 and newer).

{"smart_status": {"passed": true},
 "nvme_smart_health_information_log": {"critical_warning": 0, "percentage_used": 3}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from preflight.capture import Source
from preflight.facts import Disk, Missing, NotApplicable
from preflight.understand.evidence import Evidence
from preflight.understand.picking import Picked, Picks, flag, whole, words
from preflight.understand.sources import failure, refusal

_SOURCE = "smart-"
_NONE = NotApplicable("no disk is shown here that could tell")
_HYPERVISORS = NotApplicable("the disks are the hypervisor's making")
# NVM Express Base Specification, SMART / Health Information log page, byte 0
_WARNINGS = {
    0: "spare blocks are low",
    1: "too hot or too cold",
    2: "not reliable any more",
    3: "read-only",
    4: "its backup of power failed",
    5: "its persistent memory is read-only",
}


def disk_health(evidence: Evidence) -> Picks:
    told = {
        words(name.removeprefix(_SOURCE)) or "?": _disk(name.removeprefix(_SOURCE), source)
        for name, source in sorted(evidence.capture.sources.items())
        if name.startswith(_SOURCE)
    }
    found = tuple(disk for disk in told.values() if isinstance(disk, Disk))
    if found:
        return {"disks": Picked(found, "smart-*")}
    why = next((reason for reason in told.values() if isinstance(reason, Missing)), None)
    return {"disks": Picked(why or (_HYPERVISORS if evidence.is_guest else _NONE))}


def _disk(name: str, source: Source) -> Disk | Missing:
    """smartctl ends with a status of bits, and prints what it has all the same."""
    why = failure(source)
    if why is not None and why.reason != "tool-failed":
        return why
    try:
        told = msgspec.json.decode(source.stdout.encode())
    except (msgspec.DecodeError, RecursionError):
        return refusal(source) or why or Missing("not-parsed", name)
    status, log = _part(told, "smart_status"), _part(told, "nvme_smart_health_information_log")
    passed, warning = flag(status.get("passed")), whole(log.get("critical_warning"))
    used = whole(log.get("percentage_used"))
    if passed is None and warning is None:
        return refusal(source) or Missing("not-supported", f"{name} tells nothing of its health")
    bits = [bit for bit in range(8) if (warning or 0) >> bit & 1]
    words_of = tuple(_WARNINGS.get(bit, f"warning bit {bit}") for bit in bits)
    return Disk(words(name) or "?", None if passed is None else not passed, words_of, used)


def _part(told: Any, name: str) -> Mapping[str, Any]:
    part = told.get(name) if isinstance(told, dict) else None
    return part if isinstance(part, dict) else {}
