"""The cards that a plan is made for: named by a person, or found in a host's report.

What was measured or reported of a card beats the catalogue; what neither tells is unknown, and a
card of which the memory or the bandwidth is unknown cannot be planned for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from preflight.errors import UsageError
from preflight.facts import Card, Fact, Facts, Gpu, GpuUse, Missing, NotApplicable
from preflight.findings import Basis
from preflight.measured import ComputeRate, CudaDevice, Measured
from preflight.plan.card_names import named
from preflight.plan.shapes import Device

_MOST_CARDS = 16
_COUNTED = re.compile(r"(?:(\d{1,3})\s*[x×*]\s*)?(\S.{0,99})", re.DOTALL)
# What the driver keeps of each card for itself: 0.40 (3050) to 0.66 GiB (B200) between what
# nvidia-smi and cudaMemGetInfo print.
RESERVE_GIB = 0.5
_RATES = {"bf16": "bf16_tflops", "fp16": "fp16_tflops", "fp8": "fp8_tflops"}
_RATES |= {"int8": "int8_tops", "fp4": "fp4_tflops"}


def parse(text: str) -> tuple[Device, ...]:
    """The cards of "2x RTX 4090", or of several such with commas or plus signs between."""
    devices: list[Device] = []
    for part in re.split(r"[,+]", text):
        match = _COUNTED.fullmatch(part.strip())
        if match is None:
            raise UsageError(
                f"no cards {text[:60]!r}", 'cards are "2x RTX 4090" or "L40S, RTX 3090"'
            )
        count = int(match[1] or 1)
        if not 1 <= count <= _MOST_CARDS - len(devices):
            raise UsageError(f"{text[:60]!r}: one host has 1 to {_MOST_CARDS} cards")
        card, memory_mib = named(match[2].strip())
        start = len(devices)
        devices += [of_product(card, f"gpu{start + n}", memory_mib) for n in range(count)]
    return tuple(devices)


def of_product(card: Card, subject: str, memory_mib: int) -> Device:
    """A card of that product as the catalogue tells of it."""
    is_stock = abs(memory_mib - card.memory_mib) < card.memory_mib / 50
    seen = _figure(card, "torch_gib") if is_stock else None
    return Device(
        subject=subject,
        cuda_index=int(subject.removeprefix("gpu")),
        name=card.name,
        memory_gib=seen or memory_mib / 1024 - RESERVE_GIB,
        memory_used_gib=0.0,
        memory_gb_s=card.memory_gb_s,
        compute_capability=_capability(card.compute_capability),
        sm_count=card.sm_count,
        tflops=_nominal(card),
        power_w=float(card.power_limit_w),
        form=card.form,
        basis=dict.fromkeys(("memory_gib", "memory_gb_s", "tflops", "power_w"), "catalog"),
    )


def from_facts(facts: Facts, listed: Sequence[str] = ()) -> tuple[Device, ...] | Missing:
    """The cards of a host that was looked at; Missing where one cannot be planned for.

    `listed` are all that the driver lists, in CUDA's order: those left out of the facts count too.
    """
    if isinstance(facts.gpus, (Missing, NotApplicable)):
        words = str(facts.gpus)
        return facts.gpus if isinstance(facts.gpus, Missing) else Missing("not-present", words)
    devices: list[Device] = []
    order = list(listed) or [gpu.subject for gpu in facts.gpus]
    for gpu in facts.gpus:
        device = _device(gpu, order.index(gpu.subject))
        if isinstance(device, Missing):
            return device
        devices.append(device)
    return tuple(devices)


def lacking(gpu: Gpu) -> str:
    """What is not known of a card and a plan needs, "" where nothing is."""
    card = gpu.catalog if isinstance(gpu.catalog, Card) else None
    cuda = gpu.cuda_device if isinstance(gpu.cuda_device, CudaDevice) else None
    if not _memory_gib(gpu, card, cuda)[0]:
        return "memory"
    if not _bandwidth(gpu, card)[0]:
        return "bandwidth"
    return "" if _told_capability(gpu) else "compute capability"


def _told_capability(gpu: Gpu) -> str:
    cuda = gpu.cuda_device if isinstance(gpu.cuda_device, CudaDevice) else None
    card = gpu.catalog if isinstance(gpu.catalog, Card) else None
    return (cuda and cuda.compute_capability) or (card and card.compute_capability) or ""


def _device(gpu: Gpu, index: int) -> Device | Missing:
    card = gpu.catalog if isinstance(gpu.catalog, Card) else None
    cuda = gpu.cuda_device if isinstance(gpu.cuda_device, CudaDevice) else None
    capability = _told_capability(gpu)
    lacks = lacking(gpu)
    if lacks or not capability:
        return Missing("not-collected", f"{gpu.label}: its {lacks} is not known")
    memory, memory_basis = _memory_gib(gpu, card, cuda)
    bandwidth, bandwidth_basis = _bandwidth(gpu, card)
    power = _plain(gpu.power_limit_w)
    basis: dict[str, Basis] = {"memory_gib": memory_basis, "memory_gb_s": bandwidth_basis}
    basis |= {"tflops": "catalog", "power_w": "reported" if power else "catalog"}
    return Device(
        subject=gpu.subject,
        name=card.name if card else gpu.known_name,
        memory_gib=memory,
        memory_used_gib=used_gib(gpu),
        memory_gb_s=bandwidth,
        compute_capability=_capability(capability),
        sm_count=cuda.sm_count if cuda else card.sm_count if card else 0,
        tflops=_nominal(card) if card else {},
        measured_read_gb_s=_median(gpu.device_read),
        measured_tflops=_reached(gpu),
        power_w=power or (float(card.power_limit_w) if card else None),
        form=card.form if card else None,
        pcie_gb_s=_median(gpu.host_to_device),
        cuda_index=index,
        basis=basis,
    )


def _memory_gib(gpu: Gpu, card: Card | None, cuda: CudaDevice | None) -> tuple[float, Basis]:
    """What a program sees: by CUDA's own word, else what the driver reports less its reserve."""
    if cuda is not None and cuda.total_mib:
        return cuda.total_mib / 1024, "measured"
    total = _plain(gpu.memory_total_mib)
    if total is None:
        return ((_figure(card, "torch_gib") or 0.0) if card else 0.0), "catalog"
    if card is not None and abs(total - card.memory_mib) < card.memory_mib / 50:
        seen = _figure(card, "torch_gib")
        if seen:
            return min(seen, total / 1024), "catalog"
    return total / 1024 - RESERVE_GIB, "reported"


def used_gib(gpu: Gpu) -> float | None:
    """What others hold of it, None where nobody read it: the probe's own context is not theirs."""
    if isinstance(gpu.use, GpuUse):
        return gpu.use.memory_used_mib / 1024
    cuda = gpu.cuda_device
    if isinstance(cuda, CudaDevice) and cuda.total_mib and cuda.free_mib is not None:
        return max((cuda.total_mib - cuda.free_mib) / 1024 - RESERVE_GIB, 0.0)
    return None


def _bandwidth(gpu: Gpu, card: Card | None) -> tuple[float, Basis]:
    reported = _plain(gpu.memory_bandwidth_gb_s)
    if reported:
        return reported, "reported"
    return (card.memory_gb_s if card else 0.0), "catalog"


def _reached(gpu: Gpu) -> Mapping[str, float]:
    """Tensor rates by measurement, of those formats that were measured."""
    facts = {"bf16": gpu.tensor_bf16, "fp16": gpu.tensor_fp16}
    facts |= {"fp8": gpu.tensor_fp8, "int8": gpu.tensor_int8}
    found: dict[str, float] = {}
    for name, fact in facts.items():
        if isinstance(fact, ComputeRate) and fact.tflops is not None:
            found[name] = fact.tflops.median
    return found


def _nominal(card: Card) -> Mapping[str, float]:
    found = {name: _figure(card, key) for name, key in _RATES.items()}
    return {name: value for name, value in found.items() if value}


def _figure(card: Card, key: str) -> float | None:
    figure = card.figures.get(key)
    return figure.value if figure else None


def _plain(fact: Fact[float] | Fact[int]) -> float | None:
    return None if isinstance(fact, (Missing, NotApplicable)) else float(fact)


def _median(fact: Fact[Measured]) -> float | None:
    return fact.median if isinstance(fact, Measured) else None


def _capability(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)
