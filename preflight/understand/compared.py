"""What only shows beside another: cards beside each other, nvidia-smi beside NVML."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.capture import plain
from preflight.facts import Fact, Gpu, GpuVbios, Missing, NotApplicable
from preflight.measured import CudaDevice
from preflight.understand import nvml
from preflight.understand.evidence import Evidence
from preflight.understand.measured_card import cuda_device
from preflight.understand.nvml import NvmlCard
from preflight.understand.picking import Picked, Picks, first, whole, words
from preflight.understand.sources import Json


def compared(evidence: Evidence, gpus: tuple[Gpu, ...] | Missing) -> Picks:
    return {
        "gpu_vbios": Picked(_vbios(gpus), _vbios_source(gpus)),
        "smi_disagreements": first(("nvml, smi-q", _disagreements(evidence))),
    }


def _vbios(gpus: tuple[Gpu, ...] | Missing) -> Fact[tuple[GpuVbios, ...]]:
    if isinstance(gpus, Missing):
        return gpus
    if not gpus:
        return NotApplicable("no NVIDIA card")
    found = [_one(gpu) for gpu in gpus]
    lacking = next((one for one in found if isinstance(one, Missing)), None)
    return lacking or tuple(one for one in found if isinstance(one, GpuVbios))


def _one(gpu: Gpu) -> GpuVbios | Missing:
    for fact in (gpu.vbios, gpu.pci_device_id, gpu.pci_subsystem_id):
        if isinstance(fact, Missing):
            return fact
    board = f"10de:{gpu.pci_device_id} {gpu.pci_subsystem_id}"
    return GpuVbios(gpu.subject, board, str(gpu.vbios))


def _vbios_source(gpus: tuple[Gpu, ...] | Missing) -> str:
    return "" if isinstance(gpus, Missing) or not gpus else gpus[0].sources.get("vbios", "")


def _disagreements(evidence: Evidence) -> Fact[tuple[str, ...]]:
    """Where nvidia-smi says another thing of a card than the library that it should ask."""
    if isinstance(evidence.smi, Missing):
        return evidence.smi
    if evidence.nvml.why is not None:
        return evidence.nvml.why
    listed = {gpu["pci"]: gpu for gpu in evidence.smi["gpus"] if gpu["pci"]}
    devices = evidence.nvml.by_address()
    unplaced = len(evidence.smi["gpus"]) > len(listed) or bool(evidence.nvml.unplaced())
    found = [] if unplaced else _strangers(tuple(devices), tuple(listed))
    found += _by_cuda(evidence)
    for pci, device in devices.items():
        if pci in listed:
            found += _differences(pci, nvml.card(device, Missing("not-collected")), listed[pci])
    if unplaced and not found:
        return Missing("not-parsed", "a card was listed without a readable address")
    return tuple(found)


def _strangers(devices: Sequence[str], listed: Sequence[str]) -> list[str]:
    """Cards that one of the two shows and the other does not.

    Not to be told where a card stands without its address: it may be the one that lacks.
    """
    found = [f"nvidia-smi shows no card at {pci}" for pci in devices if pci not in listed]
    return found + [f"NVML knows no card at {pci}" for pci in listed if pci not in devices]


def _by_cuda(evidence: Evidence) -> list[str]:
    """Where the compute library, once it was asked, names another card than NVML does."""
    found = []
    for pci, device in evidence.nvml.by_address().items():
        own = cuda_device(evidence.measurements, pci)
        if not isinstance(own, CudaDevice) or _SLICE in own.name:
            continue
        card = nvml.card(device, Missing("not-collected"))
        total = card.part("MemoryInfo", "total", whole)
        size = total >> 20 if isinstance(total, int) else None
        for what, said, by_cuda in (
            ("name", card.get("Name", words), own.name),
            ("UUID", card.get("UUID", words), own.uuid),
        ):
            if isinstance(said, str) and by_cuda and said != by_cuda:
                found.append(f"{pci}: {what} {said[:60]} by NVML, {by_cuda[:60]} by CUDA")
        if size and own.total_mib and abs(own.total_mib - size) > _RESERVED * size:
            found.append(f"{pci}: memory {size} MiB by NVML, {own.total_mib} MiB by CUDA")
    return found


_SLICE = " MIG "  # in the name of an instance, which is no whole card
_RESERVED = 0.08  # of the memory that the driver keeps from programs: 0.6 % on an H100; a guess


def _differences(pci: str, card: NvmlCard, listed: Json) -> list[str]:
    size = card.part("MemoryInfo", "total", whole)
    pairs = (
        ("name", card.get("Name", words), words(listed["name"])),
        ("UUID", card.get("UUID", words), words(listed["uuid"])),
        ("memory", size >> 20 if isinstance(size, int) else size, listed["memory_mib"]),
    )
    return [
        f"{pci}: {what} {plain(str(said))[:60]} by nvidia-smi, {plain(str(own))[:60]} by NVML"
        for what, own, said in pairs
        if not isinstance(own, (Missing, NotApplicable)) and said is not None and own != said
    ]
