"""Memory BARs that got no addresses, from the kernel's PCI lines and from the driver's.

The kernel tries several times, and what failed in one pass may be assigned in the next: only what
stays without is a fault. ROM, I/O, bridge windows (BAR 7 and up, or named) and the BARs of virtual
functions are harmless. Whether the device is a GPU is not said here: lspci tells.
"""

from __future__ import annotations

import re
from typing import Any

from preflight.parsers import pci_address
from preflight.parsers.kernel_line import Line

_DEVICE = rf"\S{{1,32}} ({pci_address.PATTERN}): BAR ([0-5])"
_FAILED = re.compile(
    rf"{_DEVICE}(?: \[mem [^\]]{{1,80}}\])?: (?:can't assign|no space|failed to assign)"
)
_ASSIGNED = re.compile(rf"{_DEVICE}(?:: assigned \[mem| \[mem [^\]]{{1,80}}\]: assigned)")
_MEMORY = re.compile(r"\[?\bmem\b")
_INVALID = re.compile(rf"NVRM: BAR(\d) is 0M @ 0x0 \(PCI:({pci_address.PATTERN})\)")
_MAX_TEXT = 512


class Bars:
    def __init__(self) -> None:
        self._open: dict[tuple[str | None, int], tuple[int, dict[str, Any]]] = {}

    def see(self, line: Line) -> None:
        message = line.message
        if "BAR" not in message:
            return
        if assigned := _ASSIGNED.match(message):
            self._open.pop((pci_address.normal(assigned[1]), int(assigned[2])), None)
        elif (failed := _FAILED.match(message)) and _MEMORY.search(message):
            self._add(line, failed[1], int(failed[2]))
        elif invalid := _INVALID.match(message):
            self._add(line, invalid[2], int(invalid[1]))

    def found(self) -> list[tuple[int, dict[str, Any]]]:
        return list(self._open.values())

    def _add(self, line: Line, address: str, bar: int) -> None:
        pci = pci_address.normal(address)
        entry = {
            "kind": "bar-unassigned",
            "pci": pci,
            "bar": bar,
            "message": line.message[:_MAX_TEXT],
            "stamp": line.stamp,
        }
        self._open.setdefault((pci, bar), (line.number, entry))
