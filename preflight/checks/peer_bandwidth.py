"""Copies from card to card reach what the way between them carries.

Why: cards that work as one exchange data at every layer; a missing NVLink, a bridge that sends
  peer traffic through the processor, or a narrow slot slows down every token.
Fix: Look at nvidia-smi nvlink -s, reseat the bridge; switch ACS redirection and the IOMMU off; look
  at the slots' lanes.
Source: NVLink: 238 GB/s of 300 on A100, 335 of 450 on H100 and H200, floors of a large fleet; seen
  276 on A100, 395 on H200, 396.7 on H100. PCIe 4.0 x16: seen 26.3 below one switch, 21.8 across.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import PeerPath
from preflight.findings import FAIL, PASS, WARN, Finding, Level, Status, where_proven
from preflight.measured import Measured

ID = "peer-bandwidth"
SUBJECT = PeerPath
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"
_UNKNOWN_WAY = "which link lies between them is not known"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `peer-bandwidth`."""

    nvlink_fail_below: float = 0.744  # of its links' raw rate, one way: 335 of 450 GB/s
    nvlink_ampere_fail_below: float = 0.793  # 238 of 300 GB/s
    pcie_warn_below: float = 0.635  # of the slower link's raw rate: 20 of 31.5 GB/s
    pcie_fail_below: float = 0.476  # 15 of 31.5 GB/s
    proven: tuple[str, ...] = ("hopper",)  # families on which a slow copy fails; others warn


def check(
    limits: Limits,
    *,
    peer_copy: Measured,
    peer_nvlink_gb_s: float | None = None,
    peer_pcie_gb_s: float | None = None,
    peer_family: str | None = None,
) -> Finding:
    got = peer_copy.median
    if peer_nvlink_gb_s is not None:
        is_ampere = peer_family == "ampere"
        part = limits.nvlink_ampere_fail_below if is_ampere else limits.nvlink_fail_below
        least = part * peer_nvlink_gb_s
        status = where_proven(PASS if got >= least else FAIL, limits.proven, peer_family)
        way = f"NVLinks that carry {peer_nvlink_gb_s:.0f}"
    elif peer_pcie_gb_s is not None:
        least = limits.pcie_warn_below * peer_pcie_gb_s
        too_slow = limits.pcie_fail_below * peer_pcie_gb_s
        status = PASS if got >= least else WARN if got >= too_slow else FAIL
        status = where_proven(status, limits.proven, peer_family)
        way = f"PCIe that carries {peer_pcie_gb_s:.1f}"
    else:
        return Finding(Status.UNKNOWN, round(got, 1), unit="GB/s", reason=_UNKNOWN_WAY)
    words = f"peer copy {got:.1f} GB/s over {way}, required {least:.1f}"
    return Finding(status, round(got, 1), round(least, 1), "GB/s", words, basis="measured")
