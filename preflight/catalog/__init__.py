"""What NVIDIA's products are, by PCI device id: figures that each name their source.

The data is gpus.yaml beside this file; a new card is one entry there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeGuard

import yaml

from preflight.facts import Card, Figure

_ATTRIBUTES = ("memory_mib", "memory_gb_s", "sm_count", "power_limit_w")
_LINK = ("pcie_gen", "pcie_width", "nvlink_links")
_UNSOURCED = frozenset({"name", "family", "form"})  # our own names, no figures
_FORMS = frozenset({"geforce", "workstation", "data-center"})
_PEER_ACCESS = frozenset({"yes", "no", "nvlink-only"})


class CatalogError(ValueError):
    """The catalogue itself is wrong: a defect of the package, not of its user."""


@cache
def cards() -> tuple[Card, ...]:
    """Every card of the catalogue, in its order."""
    return tuple(card for card, _ in _entries())


def card_for(pci_device_id: str, subsystem_id: str | None = None) -> Card | None:
    """The card with this device id ("2684"), None where the catalogue knows none.

    `subsystem_id` ("10de:1450") tells apart other products that share the device id.
    """
    card, others = _by_id().get(pci_device_id.lower(), (None, frozenset[str]()))
    return None if subsystem_id and subsystem_id.lower() in others else card


def parse(text: str) -> tuple[tuple[Card, frozenset[str]], ...]:
    """Cards of a catalogue's text, each with the subsystem ids that are other products.

    CatalogError where a figure has no source, a source is not told, or an id stands twice.
    """
    data = yaml.load(text, Loader=yaml.CSafeLoader)
    sources: Mapping[str, str] = data["sources"]
    entries = tuple(_entry(entry, sources) for entry in data["gpus"])
    seen: set[str] = set()
    for card, _ in entries:
        twice = seen.intersection(card.pci_device_ids)
        if twice:
            raise CatalogError(f"{card.name}: id {min(twice)} stands twice")
        seen.update(card.pci_device_ids)
    return entries


@cache
def _entries() -> tuple[tuple[Card, frozenset[str]], ...]:
    return parse(files(__name__).joinpath("gpus.yaml").read_text(encoding="utf-8"))


@cache
def _by_id() -> dict[str, tuple[Card, frozenset[str]]]:
    return {id: (card, others) for card, others in _entries() for id in card.pci_device_ids}


def _entry(entry: Mapping[str, Any], sources: Mapping[str, str]) -> tuple[Card, frozenset[str]]:
    name = entry["name"]
    values: dict[str, Any] = {}
    figures: dict[str, Figure] = {}
    for key, value, source in _sourced(name, entry, sources):
        values[key] = value
        if _is_number(value):
            figures[key] = Figure(value, source)
    if entry["form"] not in _FORMS or values["peer_access"] not in _PEER_ACCESS:
        raise CatalogError(f"{name}: form or peer_access is none that is known")
    card = Card(
        name=name,
        pci_device_ids=tuple(values["ids"]),
        family=entry["family"],
        form=entry["form"],
        compute_capability=values["compute_capability"],
        peer_access=values["peer_access"],
        figures=figures,
        names=tuple(values.get("names", ())),
        **{key: figures[key].value for key in (*_ATTRIBUTES, *_LINK)},  # type: ignore[arg-type]
    )
    return card, frozenset(values.get("other_products", ()))


def _sourced(
    name: str, entry: Mapping[str, Any], sources: Mapping[str, str]
) -> Iterator[tuple[str, Any, str]]:
    """Each key of an entry with its value and the words of its source."""
    for key, pair in entry.items():
        if key in _UNSOURCED:
            continue
        if not isinstance(pair, list) or len(pair) != 2 or pair[1] not in sources:
            raise CatalogError(f"{name}: {key} has no source; write [value, source]")
        yield key, pair[0], sources[pair[1]]


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
