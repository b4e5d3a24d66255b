"""The chip has the processors that its product is made with.

Why: a lesser card with the firmware of a dearer one shows the dearer name; the number of its
  multiprocessors and its compute capability are those of the chip.
Fix: Do not take the card for the model that it names.
Source: multiprocessors and compute capability by the driver, and multiprocessors counted by the
  blocks that ran on each of them; the catalogue's figures. L2 caches by white papers only warn.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import FAIL, PASS, WARN, Finding, Level, Status
from preflight.measured import CudaDevice

ID = "sm-count"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "replace"
_SLICE = "MIG is on: what CUDA sees is a slice of the card"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `sm-count`."""

    l2_tolerance: float = 0.05  # of the catalogue's cache: megabytes of 1000 and of 1024 KiB
    proven: tuple[str, ...] = ("hopper",)  # families on which blocks were seen to reach all


def check(
    limits: Limits,
    *,
    cuda_device: CudaDevice,
    catalog: Card,
    sm_ids: int | None = None,
    mig_enabled: bool | None = None,
) -> Finding:
    got, stock = cuda_device.sm_count, catalog.sm_count
    if mig_enabled:
        return Finding(Status.NOT_APPLICABLE, reason=_SLICE)
    words = f"{got} multiprocessors of compute capability {cuda_device.compute_capability}"
    words += f", required {stock} of {catalog.compute_capability} in a {catalog.name}"
    if got != stock or cuda_device.compute_capability != catalog.compute_capability:
        return Finding(FAIL, got, stock, "SM", words, basis="measured")
    if sm_ids is not None and sm_ids != got:
        status = FAIL if catalog.family in limits.proven else WARN
        words = f"blocks ran on {sm_ids} of the {got} multiprocessors that the driver tells"
        return Finding(status, sm_ids, got, "SM", words, basis="measured")
    if other := _other_cache(limits, cuda_device, catalog):
        return Finding(WARN, got, stock, "SM", f"{words}; {other}", basis="measured")
    counted = "" if sm_ids is None else ", counted by blocks too"
    return Finding(PASS, got, stock, "SM", f"{words}{counted}", basis="measured")


def _other_cache(limits: Limits, device: CudaDevice, catalog: Card) -> str:
    if device.l2_mib is None or "l2_mb" not in catalog.figures:
        return ""
    stock = catalog.figures["l2_mb"].value
    is_same = abs(device.l2_mib - stock) <= limits.l2_tolerance * stock
    return "" if is_same else f"an L2 cache of {device.l2_mib:g} MiB, the product's has {stock:g}"
