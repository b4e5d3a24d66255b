"""The PCI devices that sysfs shows: each one's files, and the bridges it hangs on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from preflight.capture import Source
from preflight.facts import Missing
from preflight.parsers.pci_address import normal
from preflight.understand.sources import file_error

_SPEEDS = {"2.5": 1, "5.0": 2, "5": 2, "8.0": 3, "8": 3, "16.0": 4, "32.0": 5, "64.0": 6}
_WIDTHS = frozenset({1, 2, 4, 8, 12, 16, 32})


def order(pci: str) -> tuple[int, ...]:
    """Sorts addresses as the bus does."""
    return tuple(int(part, 16) for part in re.split("[:.]", pci))


@dataclass(frozen=True)
class PciDevice:
    """One device's folder; `above` are the addresses of the ports over it, nearest first."""

    pci: str
    above: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)  # "config" -> hexadecimal
    errors: dict[str, str] = field(default_factory=dict)

    def read(self, name: str) -> str | Missing:
        if name in self.files:
            return self.files[name].strip()
        if name in self.errors:
            return file_error(self.errors[name], name)
        return Missing("not-present", name)

    @property
    def is_nvidia_display(self) -> bool:
        """Class 03xx of vendor 10de; the probe's listing may leave out the vendor."""
        vendor = self.files.get("vendor", "0x10de").strip()
        return self.files.get("class", "").startswith("0x03") and vendor == "0x10de"

    @property
    def is_lost(self) -> bool:
        """Its configuration space reads as all ones: nobody answers on the bus."""
        return self.config.get("config", "").startswith("ffffffff")


Tree = Mapping[str, PciDevice]


def devices(source: Source) -> Tree:
    """Every device of the source by address."""
    found: dict[str, PciDevice] = {}
    for kind in ("files", "links", "errors"):
        for path, content in getattr(source, kind).items():
            _put(found, path, kind, content)
    for path, content in source.binary.items():
        _put(found, path, "config", content)
    return found


def gen_of(speed: str) -> int | None:
    """The generation of "16.0 GT/s PCIe"; None for "Unknown" and speeds that are none."""
    return _SPEEDS.get(speed.split(" ", 1)[0])


def lanes_of(width: object) -> int | None:
    """Lanes of a link's width; None for 0 and 63, which a card shows that does not answer."""
    text = str(width)
    value = int(text) if text.isdecimal() and len(text) < 4 else 0
    return value if value in _WIDTHS else None


def _put(found: dict[str, PciDevice], path: str, kind: str, content: str) -> None:
    folder, _, name = path.rpartition("/")
    parts = folder.split("/")[:40]
    pci = parts[-1]
    if normal(pci) != pci:
        return
    if pci not in found:
        above = tuple(part for part in reversed(parts[:-1]) if normal(part) == part)
        found[pci] = PciDevice(pci, above)
    getattr(found[pci], kind)[name] = content
