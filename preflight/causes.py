"""Which findings are only signs of another: a card that left the bus is one fault, told five times.

A sign never weighs more than its cause, neither in status nor in remedy, so that nothing that needs
more than the cause's remedy is taken for a sign. It stays a finding and keeps its status: the
report names causes first, and what follows from them after that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from preflight.findings import FAIL, REMEDIES, WARN, Finding, RemedyClass

_SEVERITY = (WARN, FAIL)
_PROGRAMS = frozenset({8, 13, 31, 32, 43, 45})  # Xids that programs leave beside any fault
_MEMORY = _PROGRAMS | {48, 63, 64, 92, 94, 95, 140, 154, 156, 157, 171, 172}
_LOST = _PROGRAMS | {79, 154}
_SUPPLY = re.compile(r"power supply|\bps(?:u)?[ _]?\d", re.IGNORECASE)
_UNITS = frozenset(
    {
        "nvidia-fabricmanager.service",
        "nvidia-persistenced.service",
        "nvidia-powerd.service",
    }
)
# cause -> its signs -> what alone they may have measured, or what each part of their message must
# name, to be no more than that (None: anything). A cause that stands further up explains more; one
# that is a sign itself explains nothing.
_SIGNS: Mapping[str, Mapping[str, frozenset[object] | re.Pattern[str] | None]] = {
    "nouveau": {
        "driver-responds": None,
        "gpu-query-errors": None,
        "cuda-usable": None,
        "systemd-failed": _UNITS,
    },
    "driver-library-match": {
        "driver-responds": None,
        "gpu-query-errors": None,
        "cuda-usable": None,
        "systemd-failed": _UNITS,
    },
    "gpu-reachable": {
        "driver-responds": None,
        "gpu-query-errors": None,
        "gpu-count": None,
        "cuda-usable": None,
        "kernel-faults": frozenset({"gpu-lost"}),
        "xid": _LOST,
    },
    "gpu-count": {"kernel-faults": frozenset({"gpu-lost", "rm-init-failed"})},
    "fabric-state": {"systemd-failed": _UNITS, "cuda-usable": None},
    "driver-responds": {"gpu-query-errors": None},
    "row-remap": {
        "row-remap-headroom": None,
        "ecc-uncorrectable": None,
        "gpu-recovery-action": None,
        "xid": _MEMORY,
    },
    "ecc-uncorrectable": {
        "row-remap": None,
        "retired-pages": None,
        "gpu-recovery-action": None,
        "xid": _MEMORY,
    },
    "xid": {
        "gpu-query-errors": None,
        "gpu-recovery-action": None,
        "kernel-faults": frozenset({"gpu-lost"}),
    },
    "name-vs-device-id": {"gpu-model-uniform": None, "vram-vs-name": None, "sm-count": None},
    "vram-vs-name": {"gpu-model-uniform": None},
    "sm-count": {
        "throughput-vs-name": None,
        "vram-bandwidth": None,
        "tensor-throughput": None,
        "fma-throughput": None,
    },
    "psu-redundancy": {"bmc-events": _SUPPLY},
    "pcie-link-width": {"pcie-host-to-device": None, "pcie-device-to-host": None},
    "pcie-slot-attachment": {"pcie-upstream-link": None},
}

Key = tuple[str, str]  # id and subject of a finding


def causes(findings: Sequence[Finding]) -> dict[Key, str]:
    """Of each finding that is a sign of another one among these: the id of its cause."""
    found: dict[Key, str] = {}
    for cause in _SIGNS:
        for root in findings:
            if root.id == cause and key(root) not in found:
                signs = (f for f in findings if key(f) not in found and _is_sign(f, root))
                found |= {key(sign): cause for sign in signs}
    return found


def key(finding: Finding) -> Key:
    return finding.id, finding.subject


def heaviest(findings: Iterable[Finding]) -> RemedyClass | None:
    """The remedy that asks most; None where none has one."""
    classes = [f.remedy_class for f in findings if f.remedy_class]
    return max(classes, key=REMEDIES.index, default=None)


def weightiest_first(findings: Sequence[Finding], caused: Mapping[Key, str]) -> list[Finding]:
    """What asks for the heaviest remedy first, cards before the host; signs behind their cause."""
    own = {key(f): f for f in findings if key(f) not in caused}

    def place(finding: Finding) -> tuple[int, bool, str, bool]:
        cause = caused.get(key(finding))
        roots = [f for f in own.values() if f.id == cause] if cause else [finding]
        first = min(map(_weight, roots or [finding]))
        return (*first, cause is not None and bool(roots))

    return sorted(findings, key=place)


def _weight(finding: Finding) -> tuple[int, bool, str]:
    remedy = finding.remedy_class
    weight = REMEDIES.index(remedy) if remedy else -1
    return -weight, finding.subject == "host", finding.id


def _is_sign(finding: Finding, cause: Finding) -> bool:
    if finding.id not in _SIGNS[cause.id] or {finding.status, cause.status} - set(_SEVERITY):
        return False
    is_lighter = _SEVERITY.index(finding.status) <= _SEVERITY.index(cause.status)
    is_mended = _weight(cause)[0] <= _weight(finding)[0]
    return is_lighter and is_mended and _is_about(finding, cause) and _is_no_more(finding, cause)


def _is_no_more(finding: Finding, cause: Finding) -> bool:
    """It tells of nothing that the cause would not bring about."""
    only, told = _SIGNS[cause.id][finding.id], finding.measured
    if isinstance(only, re.Pattern):
        return all(only.search(part) for part in finding.message[:4000].split(";"))
    return only is None or only.issuperset(told if isinstance(told, (tuple, list)) else (told,))


def _is_about(finding: Finding, cause: Finding) -> bool:
    """Both speak of one card, or one of them of the host."""
    mine, its = (set(re.split("[->]", f.subject)) for f in (finding, cause))
    return "host" in mine | its or bool(mine & its)
