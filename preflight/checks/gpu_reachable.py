"""Each card answers on its bus.

Why: a card that has fallen off the bus is lost until the host is powered off, and takes down
  whatever runs on it; most often its power cable, riser or slot is bad, and it will happen again.
Fix: Power the host off and on again; then look at the card's power cables, riser and slot.
Source: NVML_ERROR_GPU_IS_LOST; configuration space that reads all ones (PCI Express Base
  Specification 5.0, 2.3.2), which lspci prints as "rev ff".
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding

ID = "gpu-reachable"
SUBJECT = Gpu
REMEDY_CLASS = "power-cycle"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: a card answers or does not."""


def check(
    limits: Limits, *, lost_signs: tuple[str, ...], lost_after_test: tuple[str, ...] = ()
) -> Finding:
    if lost_after_test and not lost_signs:
        signs = "; ".join(lost_after_test)
        return Finding(FAIL, lost_after_test, message=f"no longer answers after the test: {signs}")
    if not lost_signs:
        return Finding(PASS, message="answers on its bus")
    signs = "; ".join(lost_signs)
    return Finding(FAIL, lost_signs, message=f"no longer answers on its bus: {signs}")
