"""On which of the host's memory nodes the cards lie."""

from __future__ import annotations

import re

from preflight.capture import Capture
from preflight.facts import Fact, Gpu, Missing, NotApplicable
from preflight.understand.evidence import Evidence
from preflight.understand.picking import Picks, converted, first, whole
from preflight.understand.reported import numa_nodes
from preflight.understand.sources import files, text

_NODES = re.compile(r"^NUMA node\(s\):\s{1,60}(\d{1,4})$", re.MULTILINE)
_NODE = re.compile(r"/sys/devices/system/node/node\d{1,4}/")


def places(evidence: Evidence, gpus: tuple[Gpu, ...] | Missing) -> Picks:
    return {
        "gpu_numa_nodes": first((_source(gpus), _nodes_of(gpus))),
        "numa_node_count": first(
            ("lscpu", _count(evidence.capture)),
            ("cpu", _folders(evidence.capture)),
            ("bug-report", numa_nodes(evidence.capture)),
        ),
    }


def _source(gpus: tuple[Gpu, ...] | Missing) -> str:
    told = () if isinstance(gpus, Missing) else (gpu.sources.get("numa_node") for gpu in gpus)
    return next((source for source in told if source), "sysfs-pci")


def _nodes_of(gpus: tuple[Gpu, ...] | Missing) -> Fact[dict[str, int]]:
    if isinstance(gpus, Missing):
        return gpus
    if not gpus:
        return NotApplicable("no NVIDIA card")
    lacking = next((gpu.numa_node for gpu in gpus if not isinstance(gpu.numa_node, int)), None)
    return lacking or {gpu.subject: gpu.numa_node for gpu in gpus if isinstance(gpu.numa_node, int)}


def _count(capture: Capture) -> Fact[int]:
    listing = text(capture, "lscpu")
    if isinstance(listing, Missing):
        return listing
    match = _NODES.search(listing[:65536])
    return converted(match.group(1), whole) if match else Missing("not-present", "lscpu: NUMA")


def _folders(capture: Capture) -> Fact[int]:
    listed = files(capture, "cpu")
    if isinstance(listed, Missing):
        return listed
    nodes = {match.group() for path in listed if (match := _NODE.match(path))}
    return len(nodes) or Missing("not-present", "no memory node is listed")
