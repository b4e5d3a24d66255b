"""The NVSwitch fabric: which cards have joined it, its switches, and the service that runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from preflight.capture import Capture
from preflight.facts import Card, Fabric, FabricCard, Fact, Gpu, Missing, NotApplicable
from preflight.understand.evidence import Evidence
from preflight.understand.nvml import NvmlCard
from preflight.understand.picking import Picked, whole
from preflight.understand.sources import text

# nvmlGpuFabricState_t; 0 says that the card joins none
_STATES: Mapping[int, str] = {1: "not started", 2: "in progress", 3: "completed"}
_NONE = "the cards join no NVSwitch fabric"
_CALL = "GpuFabricInfoV"
_SERVICE = "nvidia-fabricmanager.service"
_ACTIVE = re.compile(r"^ActiveState=(\S{1,20})$", re.MULTILINE)
_LOADED = re.compile(r"^LoadState=(\S{1,20})$", re.MULTILINE)
_PACKAGE = re.compile(
    r"^[a-z]i.? ?nvidia-fabricmanager(?:-\d{1,4})? (\d{2,4}\.[\d.]{1,12})", re.MULTILINE
)


def fabric(evidence: Evidence, gpus: tuple[Gpu, ...] | Missing) -> Picked:
    if isinstance(gpus, Missing):
        return Picked(gpus)
    subjects = {gpu.pci: gpu.subject for gpu in gpus}
    joined, reasons = [], []
    for pci, device in evidence.nvml.by_address().items():
        told = _joined(NvmlCard(device.calls), subjects.get(pci, pci))
        if isinstance(told, FabricCard):
            joined.append(told)
        elif isinstance(told, Missing):
            reasons.append(told)
    switches = _switches(evidence)
    if not joined and not switches:
        return Picked(_absent(evidence, gpus, reasons))
    found = Fabric(
        tuple(joined),
        switches,
        _manager(evidence.capture),
        _package(evidence.capture),
        _driver(evidence),
    )
    return Picked(found, "nvml" if joined else "sysfs-pci")


def _joined(card: NvmlCard, subject: str) -> FabricCard | Missing | None:
    """None for a card that joins no fabric."""
    state = card.part(_CALL, "state", whole)
    if isinstance(state, Missing):
        return None if state.reason == "not-supported" else state
    if state == 0 or not isinstance(state, int):
        return None
    status = card.part(_CALL, "status", whole)
    told = "success" if status == 0 else f"NVML error {status}"
    return FabricCard(subject, _STATES.get(state, f"state {state}"), told)


def _absent(evidence: Evidence, gpus: tuple[Gpu, ...], reasons: list[Missing]) -> Fact[Fabric]:
    """Cards of products without NVLink join no fabric, whatever could be asked."""
    if all(isinstance(gpu.catalog, Card) and not gpu.catalog.nvlink_links for gpu in gpus):
        return NotApplicable(_NONE)
    if evidence.nvml.why is not None and not evidence.nvml.devices:
        return evidence.nvml.why
    return next(iter(reasons), NotApplicable(_NONE))


def _switches(evidence: Evidence) -> int:
    """NVSwitches call themselves other bridges (class 0680) of vendor NVIDIA."""
    if isinstance(evidence.sysfs, Missing):
        return 0
    devices = evidence.sysfs.values()
    return sum(
        device.files.get("vendor") == "0x10de"
        and device.files.get("class", "").startswith("0x0680")
        for device in devices
    )


def _manager(capture: Capture) -> str:
    shown = text(capture, "systemd-nvidia")
    if isinstance(shown, Missing):
        return ""
    for block in shown[:65536].split("\n\n"):
        if f"Id={_SERVICE}" in block.split("\n"):
            loaded, active = _LOADED.search(block), _ACTIVE.search(block)
            if loaded and loaded.group(1) == "not-found":
                return "not-found"
            return active.group(1) if active else ""
    return ""


def _package(capture: Capture) -> str:
    listing = text(capture, "dpkg-nvidia")
    match = None if isinstance(listing, Missing) else _PACKAGE.search(listing[: 1 << 18])
    return match.group(1) if match else ""


def _driver(evidence: Evidence) -> str:
    version = evidence.proc.module_version
    return version if isinstance(version, str) else ""
