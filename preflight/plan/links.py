"""How the cards of one server reach each other, and what a collective over them takes.

NVLink; peer copies over PCIe; or staged through the host's memory, which is what two GeForce
cards get (their driver grants no peer access) and what is taken where nothing else is proven.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from preflight.catalog import cards
from preflight.facts import Card, Facts, GpuPair, Missing, PeerPath
from preflight.findings import Basis
from preflight.measured import PeerData
from preflight.plan.rates import Rates
from preflight.plan.shapes import Device

Kind = Literal["nvlink", "peer", "staged"]
_WORDS = {"nvlink": "NVLink", "peer": "peer copies over PCIe", "staged": "host memory"}


@dataclass(frozen=True)
class Link:
    """The slowest way between any two cards of a group."""

    kind: Kind
    gb_s: float  # bus bandwidth of a large all-reduce
    latency_us: float  # of one small all-reduce over all cards of the group
    basis: Basis
    reason: str  # why it is this one, a phrase
    is_proven: bool = False  # peer copies were measured and arrived intact
    has_fault: bool = False  # peer copies arrived damaged, or did not end

    @property
    def words(self) -> str:
        return _WORDS[self.kind]

    def all_reduce_s(self, bytes_: float, ranks: int) -> tuple[float, float]:
        """Seconds of latency, and of bandwidth: 2 (n-1)/n x bytes over the bus bandwidth."""
        if ranks < 2:
            return 0.0, 0.0
        return self.latency_us * 1e-6, bytes_ * 2 * (ranks - 1) / ranks / (self.gb_s * 1e9)

    def copy_s(self, bytes_: float) -> float:
        return bytes_ / (self.gb_s * 1e9)


def link(
    devices: Sequence[Device], told: Rates, facts: Facts | None = None, *, has_peers: bool = True
) -> Link:
    """Of these cards by what was measured or reported of them, else by the catalogue.

    Without `has_peers` NCCL was told to use no peer access.
    """
    if not has_peers:
        return _made("staged", devices, told, "NCCL_P2P_DISABLE is set, as asked", "reported")
    subjects = [device.subject for device in devices]
    if facts is not None and len(devices) > 1:
        return _reported(subjects, devices, told, facts)
    kind, reason = _by_catalogue(devices)
    return _made(kind, devices, told, reason, "catalog")


def _made(
    kind: Kind,
    devices: Sequence[Device],
    told: Rates,
    reason: str,
    basis: Basis,
    copied_gb_s: float | None = None,
) -> Link:
    figures = told.links[kind]
    raw = _nvlink_gb_s(devices) if kind == "nvlink" else _pcie_gb_s(devices, told)
    return Link(
        kind=kind,
        gb_s=copied_gb_s * figures.of_copy if copied_gb_s else raw * figures.share,
        latency_us=figures.latency_us + figures.rank_us * max(0, len(devices) - 2),
        basis=basis,
        reason=reason,
    )


def _by_catalogue(devices: Sequence[Device]) -> tuple[Kind, str]:
    known = [_card(device) for device in devices]
    if any(card is None for card in known):
        return "staged", "a card that is in no catalogue"
    if all(card and card.nvlink_links and _is_on_a_board(card) for card in known):
        return "nvlink", "SXM cards have NVLink"
    if all(card and card.peer_access == "yes" for card in known):
        return "peer", "NVIDIA's driver grants these cards peer access"
    if any(card and card.peer_access == "nvlink-only" for card in known):
        return "staged", "no NVLink bridge is known of, and without one no peer access"
    return "staged", "NVIDIA's driver grants these cards no peer access"


def _reported(
    subjects: Sequence[str], devices: Sequence[Device], told: Rates, facts: Facts
) -> Link:
    pairs = [p for p in facts.pairs if set(p.subject.split("-")) <= set(subjects)]
    paths = [p for p in facts.peer_paths if set(p.subject.split(">")) <= set(subjects)]
    fault = _fault(paths)
    if fault:
        return replace(_made("staged", devices, told, fault, "measured"), has_fault=True)
    exchange = _exchange(pairs)
    basis: Basis = "measured" if exchange else "reported"
    if not _all_granted(paths, subjects):
        reason = "the driver grants no peer access between them"
        if any(isinstance(path.peer_read, Missing) for path in paths) or not paths:
            reason = "whether the driver grants peer access was not read"
        return _made("staged", devices, told, reason, basis, exchange)
    is_nvlink = all(isinstance(p.topology, str) and p.topology.startswith("NV") for p in pairs)
    kind: Kind = "nvlink" if is_nvlink and pairs else "peer"
    reason = f"the driver reports it ({_ways(pairs)})"
    made = _made(kind, devices, told, reason, basis, exchange)
    return replace(made, is_proven=_is_proven(paths))


def _all_granted(paths: Sequence[PeerPath], subjects: Sequence[str]) -> bool:
    wanted = {f"{a}>{b}" for a, b in combinations(subjects, 2)}
    wanted |= {f"{b}>{a}" for a, b in combinations(subjects, 2)}
    granted = {p.subject for p in paths if p.peer_read == "OK" and p.peer_write in ("OK", None)}
    return wanted <= granted


def _fault(paths: Iterable[PeerPath]) -> str:
    for path in paths:
        if isinstance(path.peer_data, PeerData) and path.peer_data.wrong:
            return f"peer copies {path.subject} arrived damaged"
        if isinstance(path.peer_completion, str) and path.peer_completion:
            return f"peer copies {path.subject} did not end"
    return ""


def _is_proven(paths: Sequence[PeerPath]) -> bool:
    return bool(paths) and all(
        isinstance(path.peer_data, PeerData) and path.peer_data.wrong == 0 for path in paths
    )


def _exchange(pairs: Iterable[GpuPair]) -> float | None:
    """GB/s that was measured between the slowest two, None where nothing was."""
    rates = [pair.exchange_gb_s for pair in pairs if isinstance(pair.exchange_gb_s, float)]
    return min(rates, default=None)


def _ways(pairs: Iterable[GpuPair]) -> str:
    return ", ".join(sorted({p.topology for p in pairs if isinstance(p.topology, str)}))


def _card(device: Device) -> Card | None:
    return next((c for c in cards() if device.name in (c.name, *c.names)), None)


def _is_on_a_board(card: Card) -> bool:
    """Names of PCIe cards say so; those with bridges may or may not have one."""
    is_card = any(word in card.name.upper() for word in ("PCIE", "NVL", "GEFORCE", "RTX"))
    return card.form == "data-center" and not is_card


def _nvlink_gb_s(devices: Sequence[Device]) -> float:
    """One way, of the slowest card: the catalogue's figure is both directions together."""
    told = [card.figures.get("nvlink_gb_s") for card in map(_card, devices) if card]
    return min((figure.value / 2 for figure in told if figure), default=25.0)


def _pcie_gb_s(devices: Sequence[Device], told: Rates) -> float:
    """One way, raw, of the narrowest link: as reported, else as the product has it."""
    return min((device.pcie_gb_s or _product_gb_s(device, told) for device in devices), default=16)


def _product_gb_s(device: Device, told: Rates) -> float:
    card = _card(device)
    return told.pcie_lane_gb_s[card.pcie_gen] * card.pcie_width if card else 15.75
