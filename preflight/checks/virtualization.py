"""Each card is a whole one, not a share that a hypervisor hands out.

Why: a virtual GPU is a slice of a card that others use too: its memory, its speed and its errors
  are not those of the product it names. A card passed through to a guest is whole.
Fix: Ask the lender for a whole card (passed through), or pay for a share.
Source: NVML, nvmlGpuVirtualizationMode_t: none, passthrough, VGPU, host VGPU, host VSGA.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding

ID = "virtualization"
SUBJECT = Gpu
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `virtualization`; any mode that is not named fails."""

    accepted: tuple[str, ...] = ("None", "Pass-Through")  # a share that was offered: add "VGPU"


def check(limits: Limits, *, virtualization_mode: str) -> Finding:
    words = f"virtualization mode {virtualization_mode}"
    if virtualization_mode in limits.accepted:
        return Finding(PASS, virtualization_mode, message=words)
    words += ": others may use a share of the card"
    return Finding(FAIL, virtualization_mode, limits.accepted, message=words)
