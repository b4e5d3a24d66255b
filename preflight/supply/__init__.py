"""Whether a power supply carries the cards that shall hang on it: figures, question, answer.

The figures are figures.yaml beside this file, each with its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from preflight.facts import Figure


@dataclass(frozen=True)
class Standard:
    """What a supply of this standard and more than `above_w` bears for moments."""

    name: str
    major: int  # of the ATX version
    above_w: float
    excursions: Mapping[str, Figure]  # window -> share of the rating


@dataclass(frozen=True)
class Circuit:
    name: str
    watts: float  # V x A
    share: Figure  # of it, that may be drawn for hours


@dataclass(frozen=True)
class Figures:
    pass_to: Figure  # share of the rating that may be drawn for hours
    warn_to: Figure
    host_w: Figure
    efficiency: Figure
    windows: tuple[str, ...]
    measured_card: str  # the card of which `card_excursions` were measured
    card_excursions: Mapping[str, Figure]  # window -> share of the power limit
    standards: tuple[Standard, ...]
    connectors: Mapping[str, Figure]  # W
    circuits: tuple[Circuit, ...]


@cache
def figures() -> Figures:
    text = files(__name__).joinpath("figures.yaml").read_text(encoding="utf-8")
    data = yaml.load(text, Loader=yaml.CSafeLoader)
    sources: Mapping[Any, str] = data["sources"]

    def figure(pair: tuple[float, str]) -> Figure:
        return Figure(pair[0], sources[pair[1]])

    def each(pairs: Mapping[str, tuple[float, str]]) -> Mapping[str, Figure]:
        return {name: figure(pair) for name, pair in pairs.items()}

    return Figures(
        pass_to=figure(data["continuous"]["pass_to"]),
        warn_to=figure(data["continuous"]["warn_to"]),
        host_w=figure(data["host_w"]),
        efficiency=figure(data["efficiency"]),
        windows=tuple(data["windows"]),
        measured_card=data["cards"]["measured"],
        card_excursions=each(data["cards"]["excursions"]),
        standards=tuple(
            Standard(one["name"], one["major"], one["above_w"], each(one["excursions"]))
            for one in data["standards"]
        ),
        connectors=each(data["connectors"]),
        circuits=tuple(
            Circuit(one["name"], one["volts"] * one["amperes"], figure(one["share"]))
            for one in data["circuits"]
        ),
    )
