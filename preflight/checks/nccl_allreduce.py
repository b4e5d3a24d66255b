"""NCCL adds up over all cards as fast as the ways between them allow, and rightly.

Why: tensor parallelism waits for this sum in every layer. NCCL picks the way by itself; one that
  goes through the host although the cards reach each other shows here.
Fix: Read the transports: SHM or NET where P2P was expected means that peer access, ACS, the IOMMU
  or a variable such as NCCL_P2P_DISABLE stands in the way.
Source: bus bandwidth as nccl-tests define it, of the largest size; the parts are guesses of ours:
  328 of 395 GB/s on two H200s over NVLink, 331 of 397 on two H100s, 27.9 of 37.5 through memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, Finding, Level, graded, where_proven
from preflight.measured import AllReduce

ID = "nccl-allreduce"
SUBJECT = Host
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `nccl-allreduce`."""

    pass_at: float = 0.7  # of the slowest pair's own copies, by peers where they have access
    warn_at: float = 0.5  # of the slowest pair's own copies
    proven: tuple[str, ...] = ("hopper",)  # families on which these limits were seen to hold


def check(
    limits: Limits,
    *,
    nccl_allreduce: AllReduce,
    slowest_exchange_gb_s: float,
    gpu_families: tuple[str, ...] = (),
) -> Finding:
    ran, slowest = nccl_allreduce, slowest_exchange_gb_s
    size = max(ran.busbw_gb_s)
    got, least = ran.busbw_gb_s[size], limits.pass_at * slowest
    by = f" via {', '.join(ran.transports)}" if ran.transports else ""
    if ran.wrong:
        words = f"all-reduce of {ran.library}{by}: {ran.wrong} words are not the sum"
        return Finding(FAIL, ran.wrong, 0, "words", words, basis="measured")
    words = f"all-reduce of {ran.library} over {len(ran.cards)} cards{by}: {got:.1f} GB/s with"
    words += f" {size >> 20} MiB, required {least:.1f}; a pair copies {slowest:.1f}"
    status = graded(got / slowest, limits.pass_at, limits.warn_at)
    status = where_proven(status, limits.proven, *gpu_families)
    return Finding(status, round(got, 1), round(least, 1), "GB/s", words, basis="measured")
