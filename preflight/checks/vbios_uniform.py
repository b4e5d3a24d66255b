"""Cards of one kind of board run one version of VBIOS.

Why: the VBIOS sets clocks, power and fans. Cards alike with different ones behave differently, and
  an odd one out was flashed by somebody, or comes from elsewhere.
Fix: Ask the board's maker for the newest VBIOS of this very board, and put it on all of them.
Source: VBIOS version by NVML, compared within equal PCI device and subsystem ids.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import GpuVbios, Host
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "vbios-uniform"
SUBJECT = Host
REMEDY_CLASS = "watch"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `vbios-uniform`."""

    allowed: tuple[str, ...] = ()  # versions; others fail. Empty: any


def check(limits: Limits, *, gpu_vbios: tuple[GpuVbios, ...]) -> Finding:
    versions = tuple(sorted({card.version for card in gpu_vbios}))
    shown = ", ".join(f"{card.subject} {card.version}" for card in gpu_vbios)
    strange = [card for card in gpu_vbios if limits.allowed and card.version not in limits.allowed]
    if strange:
        named = ", ".join(f"{card.subject} {card.version}" for card in strange)
        return Finding(FAIL, versions, limits.allowed, message=f"VBIOS not on the list: {named}")
    by_board: dict[str, set[str]] = {}
    for card in gpu_vbios:
        by_board.setdefault(card.board, set()).add(card.version)
    if any(len(found) > 1 for found in by_board.values()):
        return Finding(WARN, versions, message=f"different VBIOS on boards of one kind: {shown}")
    return Finding(PASS, versions, message=f"VBIOS: {shown}")
