"""What was measured between two cards, one direction at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from preflight.capture import Measurement
from preflight.facts import (
    NOT_COLLECTED,
    Card,
    Fact,
    Gpu,
    GpuPair,
    Missing,
    NotApplicable,
    PeerPath,
    Sources,
)
from preflight.measured import Measured, PeerData
from preflight.parsers.pci_address import normal
from preflight.understand.measurements import (
    HARMLESS,
    SOURCE,
    Measurements,
    figure,
    line,
    taken,
    told,
    why,
)
from preflight.understand.picking import Picked, Picks, count, flag, words
from preflight.understand.possible import carried

_NO_ACCESS = NotApplicable("no peer access between them; copies go through the host's memory")
_COPIES = ("peer-copy", "peer-copy-both", "peer-latency", "peer-data", "peer-all", "staged-copy")
_RINGS = ("peer-all", "own-allreduce")  # of many cards: where no pair is named all of them count
_MOST_RINGS = 64  # a guess, far above what one run makes
WELL = frozenset({"ok", "wrong-data"})  # it ended


def is_fault(one: Measurement) -> bool:
    """It was tried and did not end well; a status that nobody knows is one too."""
    return one.status not in WELL | HARMLESS


def is_wrong(one: Measurement) -> bool:
    return one.status == "wrong-data" or bool(count(one.values.get("wrong")))


def with_measured(
    of: Measurements,
    gpus: tuple[Gpu, ...],
    pairs: tuple[GpuPair, ...],
    paths: tuple[PeerPath, ...],
) -> tuple[tuple[GpuPair, ...], tuple[PeerPath, ...]]:
    """The same pairs and ways with what was measured on them."""
    cards = {gpu.subject: gpu for gpu in gpus}
    topology = {pair.subject: pair.topology for pair in pairs}
    ways, rings = {}, _bad_rings(of)
    for path in paths:
        one, two = path.subject.split(">")
        way = topology.get(f"{one}-{two}", topology.get(f"{two}-{one}", NOT_COLLECTED))
        picks = _on_path(of, rings, cards[one], cards[two], path, way)
        ways[path.subject] = replace(path, **_fields(path.sources, picks))
    found = tuple(replace(pair, **_fields(pair.sources, _exchanged(pair, ways))) for pair in pairs)
    return found, tuple(ways.values())


def with_faults(gpus: tuple[Gpu, ...], paths: tuple[PeerPath, ...]) -> tuple[Gpu, ...]:
    """The same cards with what went wrong on the ways from and to each of them."""
    return tuple(
        replace(gpu, peer_faults=faults([p for p in paths if gpu.subject in p.subject.split(">")]))
        for gpu in gpus
    )


def faults(paths: Sequence[PeerPath]) -> Fact[tuple[str, ...]]:
    """Copies that never ended or arrived damaged; Missing where some were not tried."""
    if not paths:
        return NotApplicable("one card alone has no other")
    found = [fault for path in paths if (fault := _fault(path))]
    if found:
        return tuple(found)
    told = [path.peer_completion for path in paths]
    if all(isinstance(fact, NotApplicable) for fact in told):
        return _NO_ACCESS
    return next((fact for fact in told if isinstance(fact, Missing)), ())


def _fault(path: PeerPath) -> str:
    if isinstance(path.peer_completion, str) and path.peer_completion:
        return f"{path.subject} {path.peer_completion}"
    wrong = path.peer_data.wrong if isinstance(path.peer_data, PeerData) else 0
    return f"{path.subject} {wrong} wrong words" if wrong else ""


def _fields(sources: Sources, picks: Picks) -> dict[str, Any]:
    given = {name: picked.source for name, picked in picks.items() if picked.source}
    return {name: picked.value for name, picked in picks.items()} | {
        "sources": {**sources, **given}
    }


def _on_path(
    of: Measurements,
    rings: Sequence[Measurement],
    one: Gpu,
    two: Gpu,
    path: PeerPath,
    topology: Fact[str],
) -> Picks:
    by_cuda = told(of.of_pair("peer-access", one.pci, two.pci), "granted", flag)
    by_smi = path.peer_read == path.peer_write == "OK" if isinstance(path.peer_read, str) else None
    has_access = by_cuda if isinstance(by_cuda, bool) else by_smi
    facts: dict[str, Fact[Any]] = {
        "peer_granted_by_cuda": by_cuda,
        "peer_completion": _completion(of, rings, one, two),
        "peer_data": _damage(of, rings, one, two)
        or _data(of.of_pair("peer-data", one.pci, two.pci)),
        "peer_copy": figure(of.of_pair("peer-copy", one.pci, two.pci), "GB/s"),
        "peer_copy_both": figure(of.of_pair("peer-copy-both", one.pci, two.pci), "GB/s"),
        "peer_copy_together": figure(of.of_pair("peer-all", one.pci, two.pci), "GB/s"),
        "peer_latency": figure(of.of_pair("peer-latency", one.pci, two.pci), "us"),
    }
    if has_access is False:
        needing = [name for name in facts if name != "peer_granted_by_cuda"]
        facts |= {name: _unless_seen(facts[name]) for name in needing}
    facts["staged_copy"] = figure(of.of_pair("staged-copy", one.pci, two.pci), "GB/s")
    facts["slower_host_copy_gb_s"] = _slower_host_copy(one, two)
    nvlink, pcie = _nvlink(one.catalog, topology), _pcie(one, two)
    direct = pcie if isinstance(nvlink, NotApplicable) else nvlink
    facts["staged_copy"] = carried(facts["staged_copy"], pcie)
    for name, ways in (("peer_copy", 1), ("peer_copy_both", 2), ("peer_copy_together", 1)):
        facts[name] = carried(facts[name], direct, ways)
    return {
        **{name: taken(fact) for name, fact in facts.items()},
        "peer_family": Picked(_family(one, two)),
        "peer_nvlink_gb_s": Picked(nvlink),
        "peer_pcie_gb_s": Picked(pcie),
    }


def _unless_seen(fact: Fact[Any]) -> Fact[Any]:
    """Without access nothing is owed; what went wrong all the same is told."""
    went_wrong = isinstance(fact, PeerData) or (isinstance(fact, str) and fact)
    return fact if went_wrong else _NO_ACCESS


def _completion(of: Measurements, rings: Sequence[Measurement], one: Gpu, two: Gpu) -> Fact[str]:
    ran = _copies(of, rings, one, two)
    fault = next(filter(is_fault, ran), None)
    if fault is not None:
        return line(fault)
    own = of.of_pair("peer-copy", one.pci, two.pci)
    if isinstance(own, Measurement) and own.status in WELL:
        return ""
    untried = own if isinstance(own, Measurement) else next(iter(ran), own)
    return why(untried) or NOT_COLLECTED


def _copies(
    of: Measurements, rings: Sequence[Measurement], one: Gpu, two: Gpu
) -> list[Measurement]:
    """All that was copied from the one to the other, also among many cards."""
    ran = [m for m in of.between(one.pci, two.pci) if m.name in _COPIES]
    return ran + [m for m in rings if _takes_part(m, one, two)]


def _bad_rings(of: Measurements) -> list[Measurement]:
    ran = [m for name in _RINGS for m in of.named(name) if not (m.of and m.to)]
    return [m for m in ran if is_fault(m) or is_wrong(m)][:_MOST_RINGS]


def _takes_part(ring: Measurement, one: Gpu, two: Gpu) -> bool:
    """Where it names no cards it names all."""
    cards = {normal(pci) for pci in ring.cards[:64]}
    return not cards or {one.pci, two.pci} <= cards


def _damage(of: Measurements, rings: Sequence[Measurement], one: Gpu, two: Gpu) -> PeerData | None:
    """What another copy than peer-data damaged: it proves as much."""
    own = of.of_pair("peer-data", one.pci, two.pci)
    if isinstance(own, Measurement) and is_wrong(own):
        return None  # it tells more
    wrong = next(filter(is_wrong, _copies(of, rings, one, two)), None)
    if wrong is None:
        return None
    return PeerData(0, count(wrong.values.get("wrong")) or 1, line(wrong))


def _data(one: Measurement | Missing) -> Fact[PeerData]:
    """Damaged words are a result, not a gap."""
    if isinstance(one, Missing):
        return one
    if one.status not in WELL:
        return why(one) or NOT_COLLECTED
    total, wrong = told(one, "words", count), told(one, "wrong", count)
    if one.status == "wrong-data":
        wrong = wrong if isinstance(wrong, int) and wrong else 1
        size = total if isinstance(total, int) else 0
        return PeerData(size, wrong, _first_wrong(one))
    if not isinstance(total, int) or total == 0:
        return total if isinstance(total, Missing) else Missing("not-parsed", "no word was read")
    if not isinstance(wrong, int):
        return wrong
    return PeerData(total, wrong, _first_wrong(one) if wrong else "")


def _first_wrong(one: Measurement) -> str:
    by = words(one.values.get("read_by"))
    place = words(str(one.values.get("where", "")))
    parts = [f"read by {by}" if by else "", f"first at {place}" if place else ""]
    return ", ".join(part for part in parts if part) or words(one.detail) or ""


def _slower_host_copy(one: Gpu, two: Gpu) -> Fact[float]:
    """Staged data leave the first card and enter the second."""
    for fact in (one.device_to_host, two.host_to_device):
        if not isinstance(fact, Measured):
            return fact
    assert isinstance(one.device_to_host, Measured)
    assert isinstance(two.host_to_device, Measured)
    return min(one.device_to_host.median, two.host_to_device.median)


def _family(one: Gpu, two: Gpu) -> Fact[str]:
    if one.family != two.family and isinstance(one.family, str) and isinstance(two.family, str):
        return Missing("not-present", f"{one.family} and {two.family}")
    return one.family if isinstance(one.family, Missing) else two.family


def _nvlink(product: Fact[Card], topology: Fact[str]) -> Fact[float]:
    """The catalogue's rate counts both directions of all the card's links; "NV4" is four."""
    if not isinstance(topology, str):
        return topology
    links = topology.removeprefix("NV")
    if not topology.startswith("NV") or not links.isdecimal():
        return NotApplicable("no NVLink between them")
    if not isinstance(product, Card):
        return product
    rate = product.figures.get("nvlink_gb_s")
    if rate is None or not product.nvlink_links:
        return Missing("not-present", f"the catalogue tells no NVLink rate of {product.name}")
    return rate.value / 2 / product.nvlink_links * min(int(links[:3]), product.nvlink_links)


def _pcie(one: Gpu, two: Gpu) -> Fact[float]:
    for fact in (one.pcie_raw_gb_s, two.pcie_raw_gb_s):
        if not isinstance(fact, float):
            return fact
    return min(float(gpu.pcie_raw_gb_s) for gpu in (one, two))  # type: ignore[arg-type]


def _exchanged(pair: GpuPair, ways: Mapping[str, PeerPath]) -> Picks:
    """What two cards exchange a second: the slower direction, by peer copies, else staged."""
    one, two = pair.subject.split("-")
    there, back = ways[f"{one}>{two}"], ways[f"{two}>{one}"]
    rates = [_best(way) for way in (there, back)]
    gap = next((rate for rate in rates if isinstance(rate, Missing)), None)
    if gap is not None:
        return {"exchange_gb_s": Picked(gap), "exchange_part": Picked(gap)}
    slower = min(rate for rate in rates if isinstance(rate, float))
    raw = there.peer_pcie_gb_s
    part = slower / raw if isinstance(raw, float) else raw
    return {"exchange_gb_s": Picked(slower, SOURCE), "exchange_part": taken(part)}


def _best(way: PeerPath) -> float | Missing:
    for fact in (way.peer_copy, way.staged_copy):
        if isinstance(fact, Measured):
            return fact.median
    return way.staged_copy if isinstance(way.staged_copy, Missing) else NOT_COLLECTED
