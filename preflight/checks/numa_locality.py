"""On a host of several memory nodes it is known on which node each card lies.

Why: a copy from the memory of the other socket crosses the link between them: it is slower and
  disturbs others. Programs place themselves beside a card only where the firmware tells its node.
Fix: Set NUMA (NPS=1) in the BIOS and update it; let each tensor-parallel group keep to the cards of
  one node, and bind it there (numactl).
Source: numa_node of each card by the kernel, which has it from the firmware; nodes by lscpu.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import Host, Placement
from preflight.findings import PASS, WARN, Finding

ID = "numa-locality"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: cards lie on one node or on several."""


def check(
    limits: Limits,
    *,
    gpu_numa_nodes: Mapping[str, int],
    numa_node_count: int,
    placement: Placement | None = None,
) -> Finding:
    if numa_node_count <= 1:
        return Finding(PASS, numa_node_count, message="the host has one memory node")
    homeless = [subject for subject, node in gpu_numa_nodes.items() if node < 0]
    if homeless:
        words = (
            f"{', '.join(homeless)}: on none of {numa_node_count} memory nodes, says the firmware"
        )
        return Finding(WARN, tuple(homeless), message=words)
    for group in placement.groups if placement else ():
        nodes = sorted({gpu_numa_nodes[subject] for subject in group if subject in gpu_numa_nodes})
        if len(nodes) > 1:
            words = f"one tensor-parallel group over memory nodes {', '.join(map(str, nodes))}"
            return Finding(WARN, tuple(nodes), 1, message=f"{words}: {', '.join(group)}")
    shown = ", ".join(f"{subject} on {node}" for subject, node in gpu_numa_nodes.items())
    return Finding(PASS, numa_node_count, message=f"memory nodes: {shown}")
