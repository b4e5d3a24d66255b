"""Which cards are of one model, as far as they tell."""

from __future__ import annotations

from collections.abc import Iterable

from preflight.facts import LayoutCard


def kinds(cards: Iterable[LayoutCard]) -> list[list[LayoutCard]]:
    """The cards by model, each kind in the order in which its first card came."""
    found: list[list[LayoutCard]] = []
    for card in cards:
        mine = next((kind for kind in found if _are_alike(kind[0], card)), None)
        if mine is None:
            found.append([card])
        else:
            mine.append(card)
    return found


def _are_alike(one: LayoutCard, two: LayoutCard) -> bool:
    """The same name, and the same id and memory as far as both tell them."""
    if one.model is None or two.model is None:
        return one.model is two.model
    same_name = one.model.name == two.model.name
    same_id = _agree(one.model.pci_device_id, two.model.pci_device_id)
    return same_name and same_id and _agree(one.model.memory_total_mib, two.model.memory_total_mib)


def _agree(one: object, two: object) -> bool:
    return one is None or two is None or one == two
