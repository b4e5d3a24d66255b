"""The kernel log tells of no fault of the machine or of a card.

Why: the log remembers what nobody saw: a card that left the bus or would not start, a processor or
  memory error, a program killed because memory ran out. Such a fault comes back under load.
Fix: See the line; where it names a card, power the host off and on, then look at its power cables
  and slot.
Source: the kernel's and the driver's own messages, sorted into kinds by `preflight parse kernel`;
  the counters of memory errors in /sys/devices/system/edac.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import shorten

from preflight.facts import Host, KernelFault
from preflight.findings import FAIL, PASS, WARN, Finding, RemedyClass, Status, when

ID = "kernel-faults"
SUBJECT = Host
REMEDY_CLASS = "power-cycle"
_RANK = (FAIL, WARN)
_SHOWN = 4
_REMEDIES: Mapping[str, tuple[str, RemedyClass]] = {
    "machine-check": ("Look in the BMC's log for the processor or memory at fault.", "service"),
    "edac-uncorrected": ("Replace the memory module that the line names.", "replace"),
    "edac-corrected": ("Watch the count; replace the module when it grows.", "watch"),
    "oom-kill": ("Add host memory, or let fewer programs run.", "reconfigure"),
    "module-refused": (
        "Enrol the module's key (mokutil) or switch Secure Boot off.",
        "reconfigure",
    ),
    "bar-unassigned": ("Switch on Above 4G Decoding in the BIOS.", "reconfigure"),
    "xid-unplaced-fatal": ("Look for a card that no longer shows on the bus.", "power-cycle"),
    "xid-unplaced": ("Look for a card that no longer shows on the bus.", "service"),
    "hard-lockup": ("Look in the BMC's log; reboot, update kernel and driver.", "reboot"),
    "soft-lockup": ("Reboot; update kernel and driver when it comes back.", "reboot"),
    "nmi": ("Look in the BMC's log for its cause.", "service"),
    "io-error": ("Look at the disk (smartctl) and its cable.", "service"),
    "thermal-event": ("Look at fans, dust and the air way.", "service"),
}


@dataclass(frozen=True)
class Limits:
    """Kinds of fault; one that is in none of the lists warns."""

    # Hardware does not mend itself, so that the boot before counts as well.
    fail: tuple[str, ...] = ("gpu-lost", "rm-init-failed", "machine-check", "edac-uncorrected")
    # A reboot cures these: in the boot before they warn.
    fail_this_boot: tuple[str, ...] = (
        "oom-kill",
        "soft-lockup",
        "hard-lockup",
        "nmi",
        "xid-unplaced-fatal",
    )
    # Others judge what holds now: driver-library-match. Lines of it are often of the past.
    ignored: tuple[str, ...] = ("api-mismatch",)


def check(limits: Limits, *, kernel_faults: tuple[KernelFault, ...]) -> Finding:
    faults = [fault for fault in kernel_faults if fault.kind not in limits.ignored]
    if not faults:
        return Finding(PASS, (), message="no fault in the kernel log")
    judged = sorted(
        ((_status(limits, fault), fault) for fault in faults),
        key=lambda one: (_RANK.index(one[0]), -one[1].boot, -one[1].count),
    )
    status, worst = judged[0]
    remedy, remedy_class = _REMEDIES.get(worst.kind, (None, None))
    return Finding(
        status,
        tuple(fault.kind for _, fault in judged),
        message="kernel log: " + _words([fault for _, fault in judged]),
        remedy=remedy,
        remedy_class=remedy_class,
    )


def _status(limits: Limits, fault: KernelFault) -> Status:
    if fault.kind in limits.fail:
        return FAIL
    if fault.kind == "oom-kill" and "cgroup" in fault.message:
        return WARN  # a container met its own limit; the host has memory left
    return FAIL if fault.kind in limits.fail_this_boot and fault.boot == 0 else WARN


def _words(faults: list[KernelFault]) -> str:
    parts = [_one(fault) for fault in faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        parts.append(f"{len(faults) - _SHOWN} more kinds")
    return "; ".join(parts)


def _one(fault: KernelFault) -> str:
    where = "" if fault.subject == "host" else f"{fault.subject} "
    line = shorten(fault.message, 100, placeholder="…")
    return f"{where}{fault.kind} x{fault.count} (last {when(fault.last, fault.boot)}): {line}"
