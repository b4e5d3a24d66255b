"""The host has memory left for programs.

Why: a model's file passes through memory that is free; where others hold it, loading is slow or
  killed.
Fix: See what holds the memory (ps, docker stats) and stop it.
Source: the kernel's MemAvailable; 8 GiB beside a model's largest shard is a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "ram-available"
SUBJECT = Host
REMEDY_CLASS = "restart-app"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `ram-available`."""

    warn_below_gib: float = 8.0  # even before any model is loaded


def check(limits: Limits, *, memory_available_mib: int) -> Finding:
    got = round(memory_available_mib / 1024, 1)
    status = PASS if got >= limits.warn_below_gib else WARN
    words = f"{got:g} GiB of memory available, required {limits.warn_below_gib:g} GiB and a shard"
    return Finding(status, got, limits.warn_below_gib, "GiB", words)
