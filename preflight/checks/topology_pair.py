"""Two cards reach each other without crossing the processors' interconnect.

Why: cards that work as one exchange data at every layer. Over NVLink or one PCIe root that is
  fast; between two root complexes it is slower, and between two processors slowest of all: there
  one tensor-parallel group needs a measured copy that proves it.
Fix: Put cards that work together into slots of one processor; bind each server to its own node.
Source: nvidia-smi topo -m and its legend.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import GpuPair
from preflight.findings import FAIL, PASS, WARN, Finding, Status

ID = "topology-pair"
SUBJECT = GpuPair
REMEDY_CLASS = "reconfigure"
_MEANING = {
    "PIX": "one PCIe switch",
    "PXB": "several PCIe switches",
    "PHB": "the processor's PCIe root",
    "NODE": "two PCIe roots of one processor",
    "SYS": "the link between processors",
}
_APART = (
    "Put these cards into slots of one processor, or deploy a pipeline (ppN), replicas or split, "
    "which exchange little between cards."
)


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `topology-pair`."""

    near: tuple[str, ...] = ("PIX", "PXB", "PHB")  # besides NVLink
    far: tuple[str, ...] = ("NODE", "SYS")  # warned of
    clears_at: float = 0.5  # of the slower link, raw: so much exchanged proves the way (a guess)
    too_far_for_one_group: tuple[str, ...] = ("SYS",)  # fails where tensor parallelism is asked for


def check(
    limits: Limits,
    *,
    topology: str,
    in_one_group: bool = False,
    exchange_part: float | None = None,
    exchange_gb_s: float | None = None,
    topology_is_inferred: bool = False,
) -> Finding:
    is_nvlink = topology.startswith("NV")
    if not is_nvlink and topology not in limits.near + limits.far:
        return Finding(Status.UNKNOWN, reason=f"not parsed: {topology[:40]!r}")
    inferred = ", inferred from its buses" if topology_is_inferred else ""
    way = f"{topology[2:]} NVLinks" if is_nvlink else _MEANING.get(topology, "PCIe")
    required = ("NV#", *limits.near)
    copied = "" if exchange_gb_s is None else f"; they exchange {exchange_gb_s:.1f} GB/s"
    is_cleared = exchange_part is not None and exchange_part >= limits.clears_at
    if in_one_group and topology in limits.too_far_for_one_group and not is_cleared:
        words = f"topology {topology} ({way}) within one tensor-parallel group, and no measured"
        words += f" copy clears it{copied}"
        return Finding(FAIL, topology, required, message=words, remedy=_APART)
    status = WARN if topology in limits.far else PASS
    words = f"topology {topology} ({way}), required one of {', '.join(required)}{copied}{inferred}"
    return Finding(status, topology, required, message=words)
