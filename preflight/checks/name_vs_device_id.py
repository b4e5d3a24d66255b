"""Each card calls itself what its PCI device id says that it is.

Why: a card's name comes from its VBIOS and driver and can be changed; cheaper chips are sold under
  the name of dearer ones. The device id is set in the chip.
Fix: Do not take the card for what it is called; compare its chip with the sticker and the maker.
Source: the catalogue's names by PCI device id (from the list in NVIDIA's open kernel modules).
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "name-vs-device-id"
SUBJECT = Gpu
REMEDY_CLASS = "replace"
_UPDATE = "Compare the id with the maker's data; a newer preflight may know it."
_OLD_DRIVER = "Install a driver that knows the card."


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the name is one of those of the id, or not."""


def check(
    limits: Limits, *, name: str, catalog_names: tuple[str, ...], pci_device_id: str = "unknown"
) -> Finding:
    if not catalog_names:
        words = f"the catalogue does not know PCI id 10de:{pci_device_id}, called {name}"
        return Finding(WARN, name, None, None, words, _UPDATE, "watch", "catalog")
    if _plain(name).endswith("graphics device"):
        words = f"the driver is older than this card and has no name for it ({catalog_names[0]})"
        return Finding(
            WARN, name, catalog_names, None, words, _OLD_DRIVER, "reconfigure", "catalog"
        )
    is_one = _plain(name) in {_plain(known) for known in catalog_names}
    words = f"name {name}, required by PCI id 10de:{pci_device_id}: {' or '.join(catalog_names)}"
    return Finding(PASS if is_one else FAIL, name, catalog_names, message=words, basis="catalog")


def _plain(name: str) -> str:
    """Drivers since 470 put "NVIDIA" before the product."""
    return name.lower().strip().removeprefix("nvidia ")
