"""Cards and supply to an answer: the load for hours and for moments beside what is borne.

All peaks are taken to fall together: under tensor parallelism the cards do work in step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from preflight.facts import Figure
from preflight.supply import Figures, Standard, figures
from preflight.supply.question import Psu, Wanted

Status = Literal["ok", "tight", "too small"]
Basis = Literal["catalog", "measured", "inferred"]
TIGHT = 0.9  # of what is borne; above it no room is left for what was not counted
CONTINUOUS = "continuous"


@dataclass(frozen=True)
class Row:
    """One duration: the load, what the supply bears that long, and what rating it would take."""

    window: str
    load_w: float
    borne_w: float
    needed_w: float
    status: Status
    basis: Basis
    load_source: str
    borne_source: str


@dataclass(frozen=True)
class Cabling:
    """How one card is fed; `is_baseboard` ones have no cable of their own."""

    count: int
    name: str
    limit_w: float
    is_baseboard: bool
    eight_pins: int  # 0: the slot alone is enough


@dataclass(frozen=True)
class Wall:
    name: str
    allowed_w: float
    status: Status
    source: str


@dataclass(frozen=True)
class Sizing:
    gpus: Sequence[Wanted]
    psu: Psu
    host_w: float
    status: Status
    rows: Sequence[Row]  # the continuous load first
    cabling: Sequence[Cabling]
    mains_w: float  # at the wall, for hours
    walls: Sequence[Wall]
    needed_w: float  # the least rating that is ok in every row, of all that carry together

    @property
    def cards_w(self) -> float:
        return sum(one.count * one.card.power_limit_w for one in self.gpus)


def size(gpus: Sequence[Wanted], psu: Psu, host_w: float | None = None) -> Sizing:
    told = figures()
    host = told.host_w.value if host_w is None else host_w
    cards = float(sum(one.count * one.card.power_limit_w for one in gpus))
    rows = [_continuous(told, psu, cards + host)]
    standard = _standard(told, psu)
    rows += [_moment(told, gpus, psu, standard, host, window) for window in told.windows]
    mains = (cards + host) / told.efficiency.value
    return Sizing(
        gpus=gpus,
        psu=psu,
        host_w=host,
        status=_worst(rows),
        rows=rows,
        cabling=[_cabling(told, one) for one in gpus],
        mains_w=mains,
        walls=_walls(told, mains),
        needed_w=max(row.needed_w for row in rows),
    )


def _continuous(told: Figures, psu: Psu, load: float) -> Row:
    share = load / psu.rating_w
    status: Status = "ok" if share <= told.pass_to.value else "tight"
    if share > told.warn_to.value:
        status = "too small"
    needed = load / told.pass_to.value
    return Row(
        window=CONTINUOUS,
        load_w=load,
        borne_w=psu.rating_w,
        needed_w=needed,
        status=status,
        basis="catalog",
        load_source=f"default power limits; host: {told.host_w.source}",
        borne_source=told.warn_to.source,
    )


def _moment(
    told: Figures,
    gpus: Sequence[Wanted],
    psu: Psu,
    standard: Standard,
    host_w: float,
    window: str,
) -> Row:
    peak, share = told.card_excursions[window], standard.excursions[window]
    load = sum(one.count * one.card.power_limit_w for one in gpus) * peak.value + host_w
    borne = psu.rating_w * share.value
    status: Status = "ok" if load <= TIGHT * borne else "tight"
    return Row(
        window=window,
        load_w=load,
        borne_w=borne,
        needed_w=load / (TIGHT * share.value),
        status="too small" if load > borne else status,
        basis=_basis(told, gpus, share),
        load_source=peak.source,
        borne_source=share.source,
    )


def _basis(told: Figures, gpus: Sequence[Wanted], share: Figure) -> Basis:
    """Measured only where these very cards were, and the standard promises its share."""
    is_measured = all(one.card.name == told.measured_card for one in gpus)
    return "measured" if is_measured and not share.source.startswith("a guess") else "inferred"


def _standard(told: Figures, psu: Psu) -> Standard:
    return next(
        one for one in told.standards if one.major == psu.major and psu.each_w > one.above_w
    )


def _cabling(told: Figures, wanted: Wanted) -> Cabling:
    card = wanted.card
    beyond = card.power_limit_w - told.connectors["slot"].value
    return Cabling(
        count=wanted.count,
        name=card.name,
        limit_w=card.power_limit_w,
        is_baseboard=card.form == "data-center" and (card.nvlink_links > 0 and _is_sxm(card.name)),
        eight_pins=max(0, math.ceil(beyond / told.connectors["8-pin"].value)),
    )


def _is_sxm(name: str) -> bool:
    """Cards of which the name tells neither "PCIe" nor "NVL" and that have links sit on a board."""
    return not any(word in name for word in ("PCIe", "PCIE", "NVL"))


def _walls(told: Figures, mains_w: float) -> list[Wall]:
    walls = []
    for circuit in told.circuits:
        allowed = circuit.watts * circuit.share.value
        status: Status = "ok" if mains_w <= allowed else "too small"
        walls.append(Wall(circuit.name, allowed, status, circuit.share.source))
    return walls


def _worst(rows: Sequence[Row]) -> Status:
    order: tuple[Status, ...] = "too small", "tight", "ok"
    return next(status for status in order if any(row.status == status for row in rows))
