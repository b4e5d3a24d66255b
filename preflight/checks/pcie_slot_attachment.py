"""Each card hangs on the processor's own PCIe lanes, not on the board's chipset.

Why: what hangs on the chipset shares one thin uplink with disks, network and USB: copies run at
  half the speed of the same card in a processor's slot, and disturb everything else.
Fix: Move the card to a slot that the board's manual shows on the processor, mostly the first.
Source: vendor and device id of each port above the card, by the PCI ID Repository. Seen on three
  RTX 3090 at gen 4 x8: 13.2 GB/s on the processor, 6.5 on the chipset.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import PASS, WARN, Finding

ID = "pcie-slot-attachment"
SUBJECT = Gpu
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: a port is the chipset's or is not."""


def check(limits: Limits, *, chipset_port: str) -> Finding:
    if not chipset_port:
        return Finding(PASS, "processor", "processor", message="no chipset is on its way")
    words = f"behind the chipset: {chipset_port}"
    return Finding(WARN, "chipset", "processor", message=words)
