"""/proc/driver/nvidia: the loaded module's version and the cards that it drives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from preflight.capture import Capture
from preflight.facts import Missing
from preflight.parsers.pci_address import normal
from preflight.understand.picking import words
from preflight.understand.sources import file, files

_INFORMATION = re.compile(r"/proc/driver/nvidia/(?:\./)?gpus/([0-9a-fA-F:.]{5,24})/information")
_VERSION = re.compile(r"Kernel Module(?: for \S{1,20})?\s{1,8}(\d{2,4}\.\d{1,4}(?:\.\d{1,4})?)")
_OPEN = "Open Kernel Module"


@dataclass(frozen=True)
class ProcNvidia:
    """`cards`: address -> heading -> value, as in `GPU UUID`; "?" stands where it is unknown."""

    version_text: str | Missing
    cards: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def module_version(self) -> str | Missing:
        if isinstance(self.version_text, Missing):
            return self.version_text
        match = _VERSION.search(self.version_text[:4096])
        return match.group(1) if match else Missing("not-parsed", self.version_text[:80])

    @property
    def is_open(self) -> bool | Missing:
        if isinstance(self.version_text, Missing):
            return self.version_text
        return _OPEN in self.version_text

    def heading(self, pci: str, name: str) -> str | Missing:
        if isinstance(self.version_text, Missing) and not self.cards:
            return self.version_text
        value = words(self.cards.get(pci, {}).get(name))
        if value is None or "?" in value:
            return Missing("not-present", f"/proc/driver/nvidia: {name}")
        return value


def proc_nvidia(capture: Capture) -> ProcNvidia:
    listed = files(capture, "proc-nvidia")
    told = {} if isinstance(listed, Missing) else {**_unread(capture), **listed}
    cards: dict[str, Mapping[str, str]] = {}
    for path, content in told.items():
        match = _INFORMATION.fullmatch(path)
        pci = normal(match.group(1)) if match else None
        if pci is not None:
            cards[pci] = _headings(content)
    return ProcNvidia(file(capture, "proc-nvidia", "/proc/driver/nvidia/version"), cards)


def _unread(capture: Capture) -> dict[str, str]:
    """Files that are there and could not be read: the driver lists their cards all the same."""
    source = capture.sources.get("proc-nvidia")
    errors = source.errors if source else {}
    return {path: "" for path, error in errors.items() if error != "not-present"}


def _headings(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text[:16384].splitlines())
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}
