"""Each card's link runs at the PCIe generation that card and slot can carry together.

Why: each generation doubles the speed of a lane, so a link that stays one below halves every copy
  between card and host, and between cards without NVLink. An idle card lowers its link to
  generation 1 to save power, so a low reading says nothing until a copy is under way.
Fix: Set the slot's speed to Auto in the BIOS; use a riser rated for the generation.
Source: PCI Express Base Specification 5.0, 7.5.3.6 and 7.5.3.8, Link Capabilities and Status.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding, Status

ID = "pcie-link-gen"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: card and slot set what is possible."""


def check(
    limits: Limits,
    *,
    pcie_link_gen: int,
    pcie_link_gen_max: int,
    pcie_device_gen_max: int | None = None,
    pcie_link_gen_under_load: int | None = None,
) -> Finding:
    now, could = pcie_link_gen, pcie_link_gen_max
    note = ""
    if pcie_device_gen_max is not None and pcie_device_gen_max > could:
        note = f"; the card alone could do gen {pcie_device_gen_max}, this host carries gen {could}"
    if pcie_link_gen_under_load is not None:
        seen = pcie_link_gen_under_load
        words = f"PCIe link gen {seen} while it copied, required {could}{note}"
        status = PASS if seen >= could else FAIL
        return Finding(status, seen, could, message=words, basis="measured")
    if now < could:
        why = f"gen {now} while nothing is copied is power saving; gen {could} must show in a copy"
        return Finding(Status.UNKNOWN, now, could, reason=why + note)
    return Finding(PASS, now, could, message=f"PCIe link gen {now}, required {could}{note}")
