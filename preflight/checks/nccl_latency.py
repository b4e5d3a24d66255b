"""A small sum over all cards is quick.

Why: each token of a tensor-parallel model adds up small pieces twice a layer; a hundred waits of
  50 µs are 5 ms a token, whatever the bandwidth.
Fix: Look at the transports that NCCL chose, at the processor's governor and at its NUMA nodes.
Source: an all-reduce of 128 KiB took 18 µs on two H200s over NVLink, 22 through memory, and 14 on
  two H100s, and is a limit for two such cards alone: of more, or of others, it warns.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import GpuModel, Host
from preflight.findings import FAIL, PASS, WARN, Finding, Level, Status, two_of, where_proven
from preflight.measured import AllReduce

ID = "nccl-latency"
SUBJECT = Host
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `nccl-latency`."""

    bytes: int = 131072  # size of the sum that is judged
    pass_to_us: float = 30.0  # of its median time
    warn_to_us: float = 60.0  # of its median time
    proven: tuple[str, ...] = ("H100 80GB HBM3", "H200")  # products on which two cards keep them


def check(
    limits: Limits, *, nccl_allreduce: AllReduce | str, gpu_models: tuple[GpuModel, ...] = ()
) -> Finding:
    if isinstance(nccl_allreduce, str):
        return Finding(Status.UNKNOWN, reason=nccl_allreduce)
    got = nccl_allreduce.time_us.get(limits.bytes)
    if got is None:
        return Finding(Status.UNKNOWN, reason=f"no all-reduce of {limits.bytes} bytes was measured")
    status = PASS if got <= limits.pass_to_us else WARN if got <= limits.warn_to_us else FAIL
    status = where_proven(status, limits.proven, *two_of(gpu_models))
    words = f"all-reduce of {limits.bytes >> 10} KiB {got:.1f} µs, required {limits.pass_to_us:g}"
    return Finding(status, round(got, 1), limits.pass_to_us, "µs", words, basis="measured")
