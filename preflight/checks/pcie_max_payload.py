"""How much data each PCIe packet of a card carries.

Why: a packet has some 20 bytes of frame whatever it carries. With 128 bytes a gen 4 x16 link gives
  about 26.5 GB/s, with 256 about 28.8: it explains a missing tenth, and is no fault.
Fix: Where the last tenth counts, look for Max Payload Size in the BIOS, or boot the host with
  pci=pcie_bus_perf.
Source: PCI Express Base Specification 5.0, 7.5.3.4, Device Control of the card.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import PASS, WARN, Finding

ID = "pcie-max-payload"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `pcie-max-payload`."""

    warn_below_bytes: int = 0  # by itself it is only told; 256 asks for the last tenth


def check(
    limits: Limits, *, pcie_max_payload_bytes: int, pcie_max_payload_able_bytes: int | None = None
) -> Finding:
    used, able = pcie_max_payload_bytes, pcie_max_payload_able_bytes
    words = f"PCIe packets carry up to {used} bytes"
    if able is not None and able > used:
        words += f"; the card could do {able}"
    if used < limits.warn_below_bytes:
        words += f", required {limits.warn_below_bytes}"
        return Finding(WARN, used, limits.warn_below_bytes, "bytes", words)
    return Finding(PASS, used, limits.warn_below_bytes or None, "bytes", words)
