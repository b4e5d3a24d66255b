"""A login may lock enough memory.

Why: RDMA and pinned buffers need memory that the kernel does not move; below the limit they fail
  or fall back to something slower.
Fix: Set memlock to unlimited in /etc/security/limits.d, and LimitMEMLOCK=infinity in the service.
Source: a guess; the limit is that of the login which ran the probe, a service has its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "memlock"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `memlock`."""

    share_of_memory: float = 0.5  # of the host's memory, that may be locked


def check(limits: Limits, *, locked_memory_limit_mib: float, memory_total_mib: int) -> Finding:
    if locked_memory_limit_mib == float("inf"):
        return Finding(PASS, message="locked memory is not limited")
    got, wanted = round(locked_memory_limit_mib), round(memory_total_mib * limits.share_of_memory)
    words = f"{got} MiB of memory may be locked, required {wanted} MiB or no limit"
    return Finding(PASS if got >= wanted else WARN, got, wanted, "MiB", words)
