"""The host does not move a model's memory to disk.

Why: a server whose pages lie on disk answers in seconds instead of milliseconds, and pinned
  buffers cannot be moved at all.
Fix: Switch swap off (swapoff -a, and /etc/fstab), or set vm.swappiness to 10 or less; from inside a
  container only the host's owner can.
Source: a guess; Azure's health checks demand no swap at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host, Swap
from preflight.findings import PASS, WARN, Finding

ID = "swap"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `swap`."""

    most_gib: float = 8.0  # of swap
    most_swappiness: int = 10  # with swap on


def check(limits: Limits, *, swap: Swap) -> Finding:
    if not swap.size_gib:
        return Finding(PASS, 0.0, 0.0, "GiB", "swap is off")
    is_small = swap.size_gib <= limits.most_gib and swap.swappiness <= limits.most_swappiness
    words = (
        f"swap of {swap.size_gib:g} GiB with swappiness {swap.swappiness}, required off, "
        f"or at most {limits.most_gib:g} GiB with {limits.most_swappiness}"
    )
    return Finding(PASS if is_small else WARN, swap.size_gib, limits.most_gib, "GiB", words)
