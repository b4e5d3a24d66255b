"""NCCL adds up over all cards as fast as the ways between them allow, and rightly.

Why: tensor parallelism waits for this sum in every layer. NCCL picks the way by itself; one that
  goes through the host although the cards reach each other shows here.
Fix: Read the transports: SHM or NET where P2P was expected means that peer access, ACS, the IOMMU
  or a variable such as NCCL_P2P_DISABLE stands in the way.
Source: an all-reduce that hangs or fails, or is wrong with NCCL_P2P_DISABLE=1 too, fails. Bus
  bandwidth as nccl-tests define it, of the largest size; the parts are guesses of ours:
  328 of 395 GB/s on two H200s over NVLink, 331 of 397 on two H100s, 27.9 of 37.5 through memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, PASS, Finding, Level, Status, graded, where_proven
from preflight.measured import AllReduce

ID = "nccl-allreduce"
SUBJECT = Host
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"
_TELLING = 256 << 20  # bytes, a guess: a smaller sum is bound by its start, not by the way


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `nccl-allreduce`."""

    pass_at: float = 0.7  # of the slowest pair's own copies, by peers where they have access
    warn_at: float = 0.5  # of the slowest pair's own copies
    proven: tuple[str, ...] = ("hopper",)  # families on which these limits were seen to hold


def check(
    limits: Limits,
    *,
    nccl_allreduce: AllReduce | str,
    nccl_allreduce_without_peers: AllReduce | str | None = None,
    slowest_exchange_gb_s: float | None = None,
    gpu_families: tuple[str, ...] = (),
) -> Finding:
    ran, slowest = nccl_allreduce, slowest_exchange_gb_s
    if isinstance(ran, str):
        return Finding(FAIL, ran, message=ran, basis="measured")
    if ran.wrong:
        return _wrong(ran, "")
    without = nccl_allreduce_without_peers
    if isinstance(without, AllReduce) and without.wrong:
        return _wrong(without, " without peer access")
    if slowest is None:
        return Finding(Status.UNKNOWN, reason="what a pair of cards copies was not measured")
    size = max(ran.busbw_gb_s)
    got, least = ran.busbw_gb_s[size], limits.pass_at * slowest
    words = (
        f"all-reduce of {ran.library} over {len(ran.cards)} cards{_by(ran)}: {got:.1f} GB/s with"
    )
    words += f" {size >> 20} MiB, required {least:.1f}; a pair copies {slowest:.1f}"
    status = graded(got / slowest, limits.pass_at, limits.warn_at)
    if status is not PASS and size < _TELLING:
        reason = f"the largest sum has {size} bytes, too few to tell how fast the way is"
        return Finding(Status.UNKNOWN, reason=reason)
    status = where_proven(status, limits.proven, *gpu_families)
    return Finding(status, round(got, 1), round(least, 1), "GB/s", words, basis="measured")


def _wrong(ran: AllReduce, how: str) -> Finding:
    words = f"all-reduce of {ran.library}{how}{_by(ran)}: {ran.wrong} words are not the sum"
    return Finding(FAIL, ran.wrong, 0, "words", words, basis="measured")


def _by(ran: AllReduce) -> str:
    return f" via {', '.join(ran.transports)}" if ran.transports else ""
