"""What lies between two cards: the way by topology, and whether peer access is granted."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, permutations

from preflight.facts import Card, Fact, Gpu, GpuPair, Missing, NvLink, PeerPath
from preflight.understand.evidence import Evidence
from preflight.understand.link import above
from preflight.understand.picking import Picked, first, named
from preflight.understand.sources import Json

_ANCESTORS = {10: "PIX", 20: "PXB", 30: "PHB", 40: "NODE", 50: "SYS"}  # nvmlGpuTopologyLevel_t
_P2P = {0: "OK", 1: "CNS", 2: "GNS", 3: "TNS", 4: "DR", 5: "NS", 6: "U"}  # nvmlGpuP2PStatus_t
_NOT_LISTED = Missing("not-present", "nvidia-smi does not list this card")


def pairs(evidence: Evidence, gpus: tuple[Gpu, ...]) -> tuple[GpuPair, ...]:
    links = _by_names(evidence.topo, "links")
    return tuple(
        _pair(one, two, _topology(evidence, links, one, two)) for one, two in combinations(gpus, 2)
    )


def peer_paths(
    evidence: Evidence, gpus: tuple[Gpu, ...], between: tuple[GpuPair, ...]
) -> tuple[PeerPath, ...]:
    reads = _by_names(evidence.p2p_read, "pairs")
    writes = _by_names(evidence.p2p_write, "pairs")
    topology = {pair.subject: pair.topology for pair in between}
    return tuple(
        _path(evidence, one, two, reads, writes, topology[_subject(one, two)])
        for one, two in permutations(gpus, 2)
    )


def _pair(one: Gpu, two: Gpu, topology: Picked) -> GpuPair:
    return GpuPair(
        subject=_subject(one, two),
        label=f"{one.label} and {two.label}",
        sources={"topology": topology.source} if topology.source else {},
        topology=topology.value,
        topology_is_inferred=topology.source == "lspci",
    )


def _path(
    evidence: Evidence,
    one: Gpu,
    two: Gpu,
    reads: Mapping[tuple[str, str], str] | Missing,
    writes: Mapping[tuple[str, str], str] | Missing,
    topology: Fact[str],
) -> PeerPath:
    found = {
        "peer_read": _status(evidence, reads, one, two, "READ"),
        "peer_write": _status(evidence, writes, one, two, "WRITE"),
        "peer_read_back": _status(evidence, reads, two, one, "READ"),
        "peer_write_back": _status(evidence, writes, two, one, "WRITE"),
    }
    return PeerPath(
        subject=f"{one.subject}>{two.subject}",
        label=f"{one.label} to {two.label}",
        sources={name: picked.source for name, picked in found.items() if picked.source},
        **{name: picked.value for name, picked in found.items()},
        peer_expected=_expected(evidence, one.catalog, two.catalog, topology),
        is_geforce=_is_geforce(one, two),
    )


def _inferred(evidence: Evidence, one: Gpu, two: Gpu) -> Fact[str]:
    """By the ports above the two and their memory nodes, in the words of nvidia-smi's legend."""
    for gpu in (one, two):
        if isinstance(gpu.nvlink, NvLink) and gpu.nvlink.active:
            return Missing("not-in-a-bug-report", "which cards the NVLinks join")
    ways = above(evidence, one.pci) or (), above(evidence, two.pci) or ()
    if () in ways:
        return Missing("not-present", "no port above the card could be read")
    shared = next((port for port in ways[0] if port in ways[1]), None)
    if shared is not None:
        return "PIX" if max(way.index(shared) for way in ways) <= 1 else "PXB"
    if ways[0][-1].rpartition(":")[0] == ways[1][-1].rpartition(":")[0]:
        return "PHB"
    nodes = {gpu.numa_node for gpu in (one, two)}
    if any(not isinstance(node, int) for node in nodes):
        return Missing("not-present", "on which memory nodes the cards lie")
    return "NODE" if len(nodes) == 1 else "SYS"


def _subject(one: Gpu, two: Gpu) -> str:
    first_card, second_card = sorted((one, two), key=lambda gpu: int(gpu.subject[3:]))
    return f"{first_card.subject}-{second_card.subject}"


def _by_names(table: Json | Missing, key: str) -> Mapping[tuple[str, str], str] | Missing:
    """Cells of a topo table by the names of its two devices."""
    if isinstance(table, Missing):
        return table
    return {(one, two): cell for one, two, cell in table[key]}


def _topology(
    evidence: Evidence, links: Mapping[tuple[str, str], str] | Missing, one: Gpu, two: Gpu
) -> Picked:
    """NVLink is real everywhere; the PCIe tree that a guest sees is the hypervisor's making."""
    ordered = sorted((one, two), key=_index)
    readings = (
        ("smi-topo", _cell(links, *ordered)),
        ("nvml", _call(evidence, "TopologyCommonAncestor({},{})", ordered, _ANCESTORS)),
    )
    told = first(*((source, _if_real(evidence, way)) for source, way in readings))
    if not isinstance(told.value, Missing) or not evidence.capture.imported:
        return told
    return first(("lspci", _if_real(evidence, _inferred(evidence, one, two))))


def _if_real(evidence: Evidence, way: Fact[str]) -> Fact[str]:
    if evidence.is_guest and isinstance(way, str) and not way.startswith("NV"):
        return Missing("guest-view", f"the hypervisor shows {way}")
    return way


def _status(
    evidence: Evidence,
    table: Mapping[tuple[str, str], str] | Missing,
    one: Gpu,
    two: Gpu,
    what: str,
) -> Picked:
    source = "smi-p2p-r" if what == "READ" else "smi-p2p-w"
    return first(
        (source, _cell(table, one, two)),
        ("nvml", _call(evidence, f"P2PStatus({{}},{{}},{what})", [one, two], _P2P)),
    )


def _index(gpu: Gpu) -> int:
    """NVML's index, -1 where NVML does not list the card."""
    return gpu.nvml_index if isinstance(gpu.nvml_index, int) else -1


def _cell(table: Mapping[tuple[str, str], str] | Missing, one: Gpu, two: Gpu) -> Fact[str]:
    """nvidia-smi's tables name the cards by NVML's index, which need not be ours."""
    if isinstance(table, Missing):
        return table
    if min(_index(one), _index(two)) < 0:
        return _NOT_LISTED
    cell = table.get((f"GPU{one.nvml_index}", f"GPU{two.nvml_index}"))
    return Missing("not-present", "not in nvidia-smi's table") if cell is None else cell


def _call(evidence: Evidence, call: str, cards: list[Gpu], names: Mapping[int, str]) -> Fact[str]:
    name = "nvmlDeviceGet" + call.format(*(card.nvml_index for card in cards))
    return evidence.nvml.get(name, named(names))


def _expected(
    evidence: Evidence, one: Fact[Card], two: Fact[Card], topology: Fact[str]
) -> Fact[bool]:
    """Does the stock driver grant peer access: equal cards, of a product made for it.

    In a guest the hypervisor decides over PCIe peers; NVLink stays with the cards.
    """
    for product in (one, two):
        if not isinstance(product, Card):
            return product
    assert isinstance(one, Card)
    if one != two or one.peer_access == "no":
        return False
    if isinstance(topology, str) and topology.startswith("NV"):
        return True
    if one.peer_access == "nvlink-only":
        return False if isinstance(topology, str) else topology
    if evidence.is_guest:
        return Missing("guest-view", "the hypervisor decides over peers on PCIe")
    return True


def _is_geforce(one: Gpu, two: Gpu) -> Fact[bool]:
    """At least one of the two is, by the catalogue, else by its name."""
    kinds = [_geforce(gpu) for gpu in (one, two)]
    if True in kinds:
        return True
    return next((kind for kind in kinds if isinstance(kind, Missing)), False)


def _geforce(gpu: Gpu) -> Fact[bool]:
    if isinstance(gpu.catalog, Card):
        return gpu.catalog.form == "geforce"
    return "GeForce" in gpu.name if isinstance(gpu.name, str) else gpu.catalog
