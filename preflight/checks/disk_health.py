"""No disk says that it is failing or worn out.

Why: models are read from it at each start, and a disk that has announced its end takes the host
  with it; one that has gone read-only lets no server write its log.
Fix: Copy what is needed and replace the disk; where it is only warm, mend the air over it.
Source: smartctl's health and the critical warnings of NVMe (NVM Express Base Specification, SMART /
  Health Information log); from which share of its life a disk warns is a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Disk, Host
from preflight.findings import FAIL, PASS, WARN, Finding, Status

ID = "disk-health"
SUBJECT = Host
REMEDY_CLASS = "replace"
_RANK = (FAIL, WARN, PASS)
_SHOWN = 8


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `disk-health`."""

    warn_at_used_percent: int = 90  # of the life that its maker gives it


def check(limits: Limits, *, disks: tuple[Disk, ...]) -> Finding:
    judged = [_judge(limits, disk) for disk in disks]
    status = next((s for s in _RANK if any(one == s for one, _ in judged)), PASS)
    told = [words for one, words in judged if one is status]
    words = f"disks: {'; '.join(told[:_SHOWN])}"
    return Finding(status, tuple(disk.name for disk in disks), message=words)


def _judge(limits: Limits, disk: Disk) -> tuple[Status, str]:
    if disk.warnings:
        return FAIL, f"{disk.name} {', '.join(disk.warnings)}"
    if disk.is_failing:
        return FAIL, f"{disk.name} says that it is failing"
    if disk.used_percent is not None and disk.used_percent >= limits.warn_at_used_percent:
        worn = f"{disk.used_percent} % of its life used, required below"
        return WARN, f"{disk.name} {worn} {limits.warn_at_used_percent} %"
    used = "" if disk.used_percent is None else f", {disk.used_percent} % of its life used"
    return PASS, f"{disk.name} sound{used}"
