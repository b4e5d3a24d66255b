"""No bridge above a card sends traffic between cards up to the processor first.

Why: Access Control Services make a PCIe switch or root port redirect what one card writes to
  another, so that the IOMMU may look at it. Copies between cards then get slow, or hang, or arrive
  damaged. A guest needs it; a bare-metal host with several cards does not.
Fix: Switch ACS (or the IOMMU, AMD-Vi, VT-d) off in the BIOS, or clear it at
  each boot for the ports named here (setpci -s PORT ECAP_ACS+6.w=0000).
Source: PCI Express Base Specification 5.0, 6.12; NCCL user guide, troubleshooting, PCI access
  control services.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Finding, Status

ID = "acs-redirect"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"
_ALONE = "one card alone has no peer"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: a bridge redirects or does not."""


def check(
    limits: Limits,
    *,
    acs_redirecting: tuple[str, ...],
    has_peers: bool | None = None,
    peer_faults: tuple[str, ...] = (),
) -> Finding:
    if has_peers is False:
        return Finding(Status.NOT_APPLICABLE, reason=_ALONE)
    if not acs_redirecting:
        return Finding(PASS, message="no bridge above it redirects peer traffic")
    words = f"ACS redirects peer traffic at {', '.join(acs_redirecting)}"
    if peer_faults:
        words += f", and copies between cards fail: {peer_faults[0]}"
        return Finding(FAIL, acs_redirecting, message=words, basis="measured")
    return Finding(WARN, acs_redirecting, message=words)
