"""The IOMMU does not stand between cards that talk to each other.

Why: the IOMMU is the part of the processor that translates the addresses at which devices write.
  Where it does so for cards, their copies to each other go up to the processor and back, or hang,
  or arrive damaged; with passthrough it stands aside.
Fix: Add iommu=pt to the kernel's parameters (in the BIOS: IOMMU off), and reboot.
Source: NCCL's documentation on ACS and IOMMU; the kernel's own line of its default domain.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, PASS, WARN, Finding, Status

ID = "iommu-mode"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `iommu-mode`."""

    harmless: tuple[str, ...] = ("off", "passthrough")  # modes in which nothing is translated


def check(
    limits: Limits,
    *,
    iommu_mode: str,
    peer_access_granted: bool | None = None,
    peer_faults: tuple[str, ...] = (),
) -> Finding:
    if iommu_mode in limits.harmless:
        return Finding(PASS, iommu_mode, message=f"IOMMU {iommu_mode}")
    if peer_faults:
        words = f"IOMMU {iommu_mode}, and copies between cards fail: {peer_faults[0]}"
        return Finding(FAIL, iommu_mode, "passthrough", message=words, basis="measured")
    if peer_access_granted is None:
        return Finding(Status.UNKNOWN, iommu_mode, reason="translated; peer access was not told")
    words = f"IOMMU {iommu_mode}"
    if not peer_access_granted:
        return Finding(PASS, iommu_mode, message=f"{words}, no card reads from another")
    words += " while cards read from each other, required off or passthrough"
    return Finding(WARN, iommu_mode, "passthrough", message=words)
