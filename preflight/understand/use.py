"""Who uses a card: processes, memory and load."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from preflight.facts import Fact, GpuProcess, GpuUse, Missing
from preflight.understand.cards import CardEvidence
from preflight.understand.driver_says import smi
from preflight.understand.nvml import member
from preflight.understand.picking import (
    Picked,
    Picks,
    converted,
    first,
    mebibytes,
    mebibytes_of,
    percent,
    whole,
    words,
)

Kind = Literal["compute", "graphics", "both"]

_LISTS: tuple[tuple[str, Kind], ...] = (
    ("ComputeRunningProcesses_v3", "compute"),
    ("MPSComputeRunningProcesses_v3", "compute"),
    ("GraphicsRunningProcesses_v3", "graphics"),
)
_TYPES: dict[str, Kind] = {"G": "graphics", "C+G": "both", "M+C+G": "both"}
_NOT_AVAILABLE = 1 << 60  # NVML_VALUE_NOT_AVAILABLE is all ones; no card has an exbibyte


def use(card: CardEvidence) -> Picks:
    processes = first(("nvml", _nvml_processes(card)), ("smi-q", _smi_processes(card)))
    memory = first(  # version 1 of NVML's counts the reserve as used
        ("nvml", card.nvml.part("MemoryInfo_v2", "used", mebibytes_of)),
        ("smi-q", smi(card, "memory_used_mib", mebibytes)),
    )
    load = first(
        ("nvml", card.nvml.part("UtilizationRates", "gpu", percent)),
        ("smi-q", smi(card, "utilization_percent", percent)),
    )
    return {"use": _use(processes, memory, load), "is_idle": _is_idle(processes, load)}


def _use(processes: Picked, memory: Picked, load: Picked) -> Picked:
    for part in (processes, memory):
        if isinstance(part.value, Missing):
            return part
    percent = load.value if isinstance(load.value, int) else None
    return Picked(GpuUse(processes.value, memory.value, percent), processes.source)  # type: ignore[arg-type]


def _is_idle(processes: Picked, load: Picked) -> Picked:
    """No process and no load. One process known to be there, or load, is enough to say no."""
    if isinstance(load.value, int) and load.value > 0:
        return Picked(False, load.source)
    if isinstance(processes.value, tuple) and processes.value:
        return Picked(False, processes.source)
    for part in (load, processes):
        if isinstance(part.value, Missing):
            return part
    return Picked(True, load.source)


def _nvml_processes(card: CardEvidence) -> Fact[tuple[GpuProcess, ...]]:
    """The compute list is the one that matters; the others are often not offered."""
    compute = card.nvml.get(_LISTS[0][0], _records)
    if isinstance(compute, Missing):
        return compute
    found: dict[int, GpuProcess] = {}
    for call, kind in _LISTS:
        for record in _plain(card.nvml.get(call, _records)):
            process = _process(card, record, kind)
            if process is None:
                continue
            earlier = found.get(process.pid)
            is_mixed = earlier is not None and earlier.kind != kind
            found[process.pid] = replace(process, kind="both") if is_mixed else process
    return tuple(found[pid] for pid in sorted(found))


def _process(card: CardEvidence, record: Any, kind: Kind) -> GpuProcess | None:
    pid = whole(member(record, "pid"))
    if pid is None:
        return None
    told = card.host.nvml.processes.get(str(pid))
    name = words(told.comm) if told else None
    memory = member(record, "usedGpuMemory")
    is_known = isinstance(memory, int) and 0 <= memory < _NOT_AVAILABLE
    size = memory >> 20 if is_known else None
    cgroup = _control_group(told.cgroup) if told else ""
    return GpuProcess(pid, name or _smi_name(card, pid), size, kind, cgroup)


def _control_group(listing: str) -> str:
    """The path that systemd gave: the named hierarchy's where it uses that, else the unnamed one's.

    It leaves the named one at its root where it runs in a container of a machine that has both.
    """
    paths = {}
    for line in listing[:4096].splitlines():
        _, _, rest = line.partition(":")
        controllers, colon, path = rest.partition(":")
        if colon and controllers in ("", "name=systemd"):
            paths[controllers] = path
    named = paths.get("name=systemd", "")
    return words(paths.get("", named) if named in ("", "/") else named) or ""


def _smi_name(card: CardEvidence, pid: int) -> str:
    listed = _plain(_smi_processes(card))
    return next((process.name for process in listed if process.pid == pid), "")


def _smi_processes(card: CardEvidence) -> Fact[tuple[GpuProcess, ...]]:
    records = smi(card, "processes", _records)
    return converted(records, lambda listed: tuple(filter(None, map(_smi_process, listed))))


def _smi_process(record: Any) -> GpuProcess | None:
    pid = whole(member(record, "pid"))
    if pid is None:
        return None
    kind = _TYPES.get(member(record, "type"), "compute")
    return GpuProcess(pid, _program(record), whole(member(record, "memory_mib")), kind)


def _program(record: Any) -> str:
    """nvidia-smi may print a whole command line, with homes of users: the program's name is enough.

    The kernel keeps no longer name either.
    """
    first = (words(member(record, "name")) or "").split(" ")[0]
    return first.rpartition("/")[2] or first


def _records(value: object) -> list[Any] | None:
    return value[:4096] if isinstance(value, list) else None


def _plain(fact: Fact[Any]) -> Any:
    return fact if isinstance(fact, (list, tuple)) else ()
