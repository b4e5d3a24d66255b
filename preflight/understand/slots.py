"""Which labelled slot of the board a card sits in, by DMI's list of system slots (type 9)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from preflight.capture import Capture
from preflight.facts import Fact, Missing
from preflight.parsers.pci_address import normal
from preflight.understand.cards import CardEvidence
from preflight.understand.picking import Picks, first, words
from preflight.understand.sources import text

_SLOT = re.compile(r"^System Slot Information$", re.MULTILINE)
_LABEL = re.compile(r"^\s{1,8}Designation: ([^\n]{1,80})$", re.MULTILINE)
_ADDRESS = re.compile(r"^\s{1,8}Bus Address: ([0-9a-fA-F:.]{7,24})$", re.MULTILINE)


def labels(capture: Capture) -> Mapping[str, str] | Missing:
    """Label of each slot by the PCI address that DMI gives it, without the function.

    Some boards give one address to all their slots (a WRX80E says 0000:00:00.0): that is none.
    """
    listing = text(capture, "dmidecode")
    if isinstance(listing, Missing):
        return listing
    found: dict[str, str] = {}
    shared = set()
    for block in _SLOT.split(listing[: 1 << 20])[1:]:
        body = block.split("\n\n", 1)[0]
        label, place = _LABEL.search(body), _ADDRESS.search(body)
        pci = normal(place.group(1)) if place else None
        name = words(label.group(1)) if label else None
        if pci and name:
            shared |= {_device(pci)} & found.keys()
            found[_device(pci)] = name
    return {place: name for place, name in found.items() if place not in shared}


def slot(card: CardEvidence, known: Mapping[str, str] | Missing) -> Picks:
    return {"slot": first(("dmidecode", _label(card, known)))}


def _label(card: CardEvidence, known: Mapping[str, str] | Missing) -> Fact[str]:
    """Boards give the card's own address, or that of a port above it."""
    if card.host.is_guest:
        return Missing("guest-view", "the board is the hypervisor's making")
    if isinstance(known, Missing):
        return known
    above = () if isinstance(card.sysfs, Missing) else card.sysfs.above
    places = (_device(pci) for pci in (card.pci, *above))
    found = next((known[place] for place in places if place in known), None)
    return found or Missing("not-present", "DMI lists no slot at this address")


def _device(pci: str) -> str:
    return pci.rpartition(".")[0]
