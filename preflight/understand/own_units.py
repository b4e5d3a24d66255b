"""What the owner's own systemd units do on a card and its ports, told by control groups.

A service may be played again on the cards that it serves on. The exemption holds for units of the
system's own manager alone: a person's manager, a container or a machine inside has units of any
name. Evidence that was not taken by the probe names no control groups and exempts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile

from preflight.facts import Fact, Gpu, GpuProcess, GpuUse, Host, Missing

_FOREIGN = ("user.slice", "machine.slice")


def without_own(gpu: Gpu, units: tuple[str, ...]) -> Gpu:
    """The card as it is used by everybody else."""
    if not isinstance(gpu.use, GpuUse):
        return gpu
    own = [process for process in gpu.use.processes if is_of(process.cgroup, units)]
    return replace(gpu, use=_without(gpu.use, own)) if own else gpu


def without_own_ports(host: Host, units: tuple[str, ...]) -> Host:
    """The host as everybody else listens on it."""
    if not isinstance(host.listening, Mapping):
        return host
    others = {port: group for port, group in host.listening.items() if not is_of(group, units)}
    return replace(host, listening=others)


def is_of(cgroup: str, units: tuple[str, ...]) -> bool:
    """The control group is that of one of these units, or below it."""
    parts = cgroup.removeprefix("/").split("/")
    slices = list(takewhile(lambda part: part.endswith(".slice"), parts))
    if not cgroup.startswith("/") or not slices or slices[0] in _FOREIGN:
        return False
    unit = parts[len(slices)] if len(parts) > len(slices) else ""
    return any(_is_named(unit, name) for name in units)


def _is_named(unit: str, name: str) -> bool:
    template, at, instance = name.removesuffix(".service").partition("@")
    if at and not instance:
        return unit.startswith(f"{template}@") and unit.endswith(".service")
    return unit == name


def _without(use: GpuUse, own: list[GpuProcess]) -> Fact[GpuUse]:
    """Load cannot be told apart by process, so that none is claimed."""
    others = tuple(process for process in use.processes if process not in own)
    sizes = [process.memory_mib for process in own]
    if None not in sizes:
        left = max(0, use.memory_used_mib - sum(size or 0 for size in sizes))
        return GpuUse(others, left, None)
    if any(process.kind != "graphics" for process in others):
        return GpuUse(others, use.memory_used_mib, None)
    return Missing("not-supported", "the driver does not tell how much memory one's own units use")
