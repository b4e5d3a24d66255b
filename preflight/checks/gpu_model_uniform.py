"""All cards are the same model with the same memory.

Why: tensor parallelism splits every layer evenly, so the slowest card sets the pace and the
  smallest sets the memory: a mixed pair works like two of the lesser card.
Fix: Keep different models in separate layouts (replicas or split), or leave the odd card out with
  CUDA_VISIBLE_DEVICES.
Source: name, PCI device id and memory as each card reports them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from preflight.facts import GpuModel, Host, Placement
from preflight.findings import FAIL, PASS, WARN, Finding
from preflight.layout import Layout

ID = "gpu-model-uniform"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: cards are alike or are not."""


def check(
    limits: Limits,
    *,
    gpu_models: tuple[GpuModel, ...],
    layout: Layout | None = None,
    placement: Placement | None = None,
) -> Finding:
    kinds = Counter(map(_words, gpu_models))
    shown = ", ".join(f"{count}x {words}" for words, count in kinds.items())
    traits = (
        {model.name for model in gpu_models},
        {model.pci_device_id for model in gpu_models} - {None},
        {model.memory_total_mib for model in gpu_models} - {None},
    )
    if all(len(seen) <= 1 for seen in traits):
        return Finding(PASS, shown, message=f"one model of card: {shown}")
    words = f"different cards in one host: {shown}"
    is_split_evenly = layout is not None and layout.tensor_parallel_size > 1
    if is_split_evenly and placement and not (placement.groups or placement.may_fit):
        return Finding(FAIL, shown, message=f"{words}; {layout and layout.name} needs alike ones")
    return Finding(WARN, shown, message=words)


def _words(model: GpuModel) -> str:
    told = [f"{model.memory_total_mib} MiB"] if model.memory_total_mib else []
    told += [f"10de:{model.pci_device_id}"] if model.pci_device_id else []
    return f"{model.name} ({', '.join(told)})" if told else model.name
