"""PCIe errors that a port reported (AER), from the kernel's own lines and from firmware's.

The kernel announces an error and then describes it; the description is the entry. Firmware-first
hosts print a "[Hardware Error]" record and the port's `aer_layer=` line instead.
"""

from __future__ import annotations

import re
from typing import Any

from preflight.parsers import pci_address
from preflight.parsers.kernel_line import Line

_DEVICE = rf"[\w-]{{1,32}} ({pci_address.PATTERN}): (?:AER: )?"
_ERROR = re.compile(
    rf"{_DEVICE}PCIe Bus Error: (?:severity=|(?=(?:Unc|C)orrect))"
    r"([A-Za-z-]{1,16}(?: \([A-Za-z-]{1,12}\))?)"
    r"(?:, type=((?:Physical|Data Link|Transaction) Layer|[^,(]{1,40}(?=[,(])))?"
)
_ANNOUNCED = re.compile(
    rf"{_DEVICE}(?:Multiple )?((?:Un)?[Cc]orrect(?:ed|able)(?: \([A-Za-z-]{{1,12}}\))?) error"
    r"(?: message)? received"
)
_FIRMWARE = re.compile(rf"{_DEVICE}aer_layer=([^,]{{1,40}}),")
_EVENT_SEVERITY = re.compile(
    r"(?:\{\d{1,6}\})?\[Hardware Error\]:\s{1,8}event severity: (\w{1,16})"
)
_SEVERITIES = {"corrected": "corrected", "recoverable": "nonfatal", "fatal": "fatal"}


class Aer:
    """Collects entries line by line."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._announced: tuple[int, dict[str, Any]] | None = None  # its place, if none follows
        self._firmware_severity: str | None = None

    def see(self, line: Line) -> None:
        message = line.message
        if "AER" not in message and "PCIe Bus" not in message and "[Hardware" not in message:
            return
        severity = _EVENT_SEVERITY.match(message)
        if severity:
            self._firmware_severity = _SEVERITIES.get(severity[1])
        elif error := _ERROR.match(message):
            self._announced = None
            self.entries.append(_entry(line, error[1], _severity(error[2]), error[3]))
        elif announced := _ANNOUNCED.match(message):
            self._keep_announced()
            entry = _entry(line, announced[1], _severity(announced[2]), None)
            self._announced = len(self.entries), entry
        elif (firmware := _FIRMWARE.match(message)) and self._firmware_severity:
            self.entries.append(_entry(line, firmware[1], self._firmware_severity, firmware[2]))

    def finish(self) -> list[dict[str, Any]]:
        """All entries, in the order of their lines."""
        self._keep_announced()
        return self.entries

    def _keep_announced(self) -> None:
        """Nothing followed the announcement: the host found no details, or stopped there."""
        if self._announced:
            self.entries.insert(*self._announced)
        self._announced = None


def _entry(line: Line, port: str, severity: str | None, layer: str | None) -> dict[str, Any]:
    return {
        "pci": pci_address.normal(port),
        "severity": severity,
        "type": layer.strip() if layer else None,
        "stamp": line.stamp,
    }


def _severity(words: str) -> str | None:
    """`Corrected`, `Correctable`, `Uncorrected (Non-Fatal)`, `Uncorrectable (Fatal)`, `Fatal`.

    None where the line breaks off before it says how bad it is.
    """
    words = words.lower()
    if words.startswith("correct"):
        return "corrected"
    return "nonfatal" if "non" in words else "fatal" if "fatal" in words else None
