"""Copies from card to card end, also those through the host's memory.

Why: where the IOMMU or a bridge swallows what cards send each other, a copy never ends; a server
  then hangs at its start, or in the middle of a request.
Fix: Switch the IOMMU off or to passthrough (iommu=pt), and ACS off; until then NCCL_P2P_DISABLE=1.
Source: each copy must end within the measurement's own limit of seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import PeerPath
from preflight.findings import FAIL, PASS, Finding, Level

ID = "peer-completes"
SUBJECT = PeerPath
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the probe ends a copy that takes 10 s and more."""


def check(limits: Limits, *, peer_completion: str) -> Finding:
    if peer_completion:
        return Finding(FAIL, peer_completion, message=peer_completion, basis="measured")
    return Finding(PASS, message="every peer copy ended", basis="measured")
