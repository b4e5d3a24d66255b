"""The firmware gave addresses to all windows on each card's memory.

Why: the processor reaches a card through windows in its address space. Where the firmware has no
  room for them, the driver does not start the card, or starts it crippled.
Fix: Switch on Above 4G Decoding in the BIOS and update it; else boot with pci=realloc.
Source: the kernel's list of the card's resources; only memory windows of the card itself count.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding

ID = "bar-assigned"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: a window has an address or has none."""


def check(limits: Limits, *, unassigned_bars: tuple[str, ...]) -> Finding:
    if not unassigned_bars:
        return Finding(PASS, (), message="all its memory windows have addresses")
    words = f"without an address: {', '.join(unassigned_bars)}"
    return Finding(FAIL, unassigned_bars, message=words)
