"""The shared memory is large enough for servers of several processes.

Why: vLLM's workers and NCCL pass data through /dev/shm; with a container's 64 MiB tensor
  parallelism ends with a bus error.
Fix: Start the container with --ipc=host or --shm-size; on a host mount /dev/shm with a larger
  size=.
Source: 1 GiB a card is a guess; 64 MiB is Docker's default, under which vLLM fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, PASS, WARN, Finding
from preflight.layout import Layout

ID = "shm-size"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `shm-size`."""

    warn_below_gib_per_gpu: float = 1.0  # for each card
    fail_at_mib: int = 64  # so little or less fails a layout of several cards


def check(
    limits: Limits,
    *,
    shared_memory_mib: int,
    gpu_counts: Mapping[str, int],
    layout: Layout | None = None,
) -> Finding:
    cards = max(gpu_counts.values(), default=0)
    wanted = round(limits.warn_below_gib_per_gpu * 1024 * cards)
    status = PASS if shared_memory_mib >= wanted else WARN
    needs_it = layout is not None and layout.is_one_server and layout.cards_needed > 1
    if needs_it and status is WARN and shared_memory_mib <= limits.fail_at_mib:
        status = FAIL
    words = f"/dev/shm has {shared_memory_mib} MiB, required {wanted} MiB for {cards} cards"
    return Finding(status, shared_memory_mib, wanted, "MiB", words)
