"""Nearly all of the card's memory can be allocated.

Why: a server takes what is free when it starts; what is missing is a shorter context or a model
  that no longer fits.
Fix: End the programs that hold memory on the card, also on a desktop; else reset the card.
Source: cuMemGetInfo after the context was made, by the total that CUDA tells; two H100s had 99.3 %.
  What a context of its own takes is a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu, GpuUse
from preflight.findings import PASS, WARN, Finding, Level, Status
from preflight.measured import CudaDevice

ID = "vram-available"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "restart-app"
_SHOWN = 3
_UNTOLD = "CUDA told no free memory"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `vram-available`."""

    pass_at: float = 0.98  # of the total
    context_mib: int = 600  # that the probe's own context may take: on small cards more than 2 %


def check(limits: Limits, *, cuda_device: CudaDevice, use: GpuUse | None = None) -> Finding:
    free, total = cuda_device.free_mib, cuda_device.total_mib
    if free is None or not total:
        return Finding(Status.UNKNOWN, reason=_UNTOLD)
    words = f"{free} MiB of {total} MiB can be allocated"
    is_enough = free >= limits.pass_at * total or total - free <= limits.context_mib
    if is_enough:
        return Finding(PASS, free, round(limits.pass_at * total), "MiB", words, basis="measured")
    words += f", required {limits.pass_at:.0%}; {_holders(use)}"
    return Finding(WARN, free, round(limits.pass_at * total), "MiB", words, basis="measured")


def _holders(use: GpuUse | None) -> str:
    if use is None or not use.processes:
        return "no process is shown that holds it"
    shown = [f"{p.name or 'hidden'} (pid {p.pid})" for p in use.processes[:_SHOWN]]
    more = len(use.processes) - _SHOWN
    return "held by " + ", ".join(shown) + (f" and {more} more" if more > 0 else "")
