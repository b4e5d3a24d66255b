"""The host has as much memory as its cards together.

Why: a model passes through the host's memory on its way to the cards, and offloading, caches and
  pinned buffers live there; with too little, loading is slow or is killed by the kernel.
Fix: Add memory modules, in pairs or sets as the board asks for.
Source: a guess from what hosting markets demand: 1.0 times the cards' memory, and 2 TiB always
  suffice.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "ram-vs-vram"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `ram-vs-vram`; ratios are host memory to all cards' memory."""

    warn_below: float = 1.0  # the cards' memory does not fit at once
    fail_below: float = 0.5  # not even half of it
    enough_mib: int = 2 << 20  # whatever the cards have


def check(limits: Limits, *, memory_total_mib: int, gpu_memory_total_mib: int) -> Finding:
    ram, vram = memory_total_mib, gpu_memory_total_mib
    ratio = ram / vram if vram else limits.warn_below
    enough = ratio >= limits.warn_below or ram >= limits.enough_mib
    status = PASS if enough else FAIL if ratio < limits.fail_below else WARN
    words = f"host memory {ram / 1024:.0f} GiB, required {vram / 1024:.0f} GiB as the cards have"
    return Finding(status, ram, vram, "MiB", words)
