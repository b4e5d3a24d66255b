"""The ports above a card by lspci, where sysfs was not read: a bug report holds no sysfs tree."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.capture import Capture
from preflight.errors import NotThisKind
from preflight.facts import Missing
from preflight.parsers import lspci_tree
from preflight.understand.pci_tree import PciDevice
from preflight.understand.sources import Json, text

Ways = Mapping[str, tuple[str, ...]]  # address -> the ports above it, nearest first
Listing = Mapping[str, Json]

_SPEEDS = {1: "2.5 GT/s", 2: "5.0 GT/s", 3: "8.0 GT/s", 4: "16.0 GT/s", 5: "32.0 GT/s",
           6: "64.0 GT/s"}  # fmt: skip
_DEEPEST = 32  # ports one above the other; the bus numbers of a hostile listing may form a ring


def ways(capture: Capture, listing: Listing | Missing) -> Ways | Missing:
    """By lspci's own tree, else by the number of the bus that each bridge has below it."""
    tree = text(capture, "lspci-tree")
    if not isinstance(tree, Missing):
        try:
            return lspci_tree.parse(tree)
        except NotThisKind as error:
            if isinstance(listing, Missing):
                return Missing("not-parsed", str(error))
    return listing if isinstance(listing, Missing) else _by_buses(listing)


def port(pci: str, detailed: Listing | Missing, ids: Listing | Missing) -> PciDevice:
    """What lspci shows of one port, in the words of sysfs; a plain list has its ids alone."""
    device: Json = next(
        (of[pci] for of in (detailed, ids) if not isinstance(of, Missing) and pci in of), {}
    )
    told = {
        name: f"0x{device[key]}"
        for name, key in (("vendor", "vendor_id"), ("device", "device_id"))
        if device.get(key)
    }
    return PciDevice(pci, (), {**told, **_link(device.get("link") or {})})


def _link(link: Json) -> dict[str, str]:
    found = {}
    for when, side in (("current", "current"), ("max", "capable")):
        end = link.get(side) or {}
        if end.get("gen") in _SPEEDS:
            found[f"{when}_link_speed"] = _SPEEDS[end["gen"]]
        if end.get("width"):
            found[f"{when}_link_width"] = str(end["width"])
    return found


def _by_buses(listing: Listing) -> Ways:
    over = {
        (_domain(pci), device["bus_below"]): pci
        for pci, device in listing.items()
        if device["bus_below"]
    }
    return {pci: _chain(pci, over) for pci in listing}


def _chain(pci: str, over: Mapping[tuple[str, int], str]) -> tuple[str, ...]:
    found: list[str] = []
    above = over.get((_domain(pci), _bus(pci)))
    while above is not None and above not in found and len(found) < _DEEPEST:
        found.append(above)
        above = over.get((_domain(above), _bus(above)))
    return tuple(found)


def _domain(pci: str) -> str:
    return pci.split(":")[0]


def _bus(pci: str) -> int:
    return int(pci.split(":")[1], 16)
