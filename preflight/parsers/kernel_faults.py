"""Faults that the kernel or the driver logged: what kind, on which PCI device, in which words.

Kinds: gpu-lost, rm-init-failed, bar-unassigned, api-mismatch, module-refused, limited-link (of the
card); machine-check, edac-uncorrected, edac-corrected, oom-kill, soft-lockup, hard-lockup, nmi,
io-error, thermal-event (of the host). What is ordinary is left out: drivers that say they
loaded, thermal governors, the NMI watchdog's greeting, backtraces asked for by SysRq.
"""

from __future__ import annotations

import re
from typing import Any

from preflight.parsers import pci_address
from preflight.parsers.kernel_bars import Bars
from preflight.parsers.kernel_line import Line
from preflight.parsers.kernel_mce import MachineChecks

_ADDRESS = re.compile(rf"(?<![\w:.])(?:PCI:)?({pci_address.PATTERN})(?!\w|:\w)")
_MAX_TEXT = 512
_TOLD_OVER = 3  # further lines that a message of the driver may take

_SIMPLE = (
    ("rm-init-failed", re.compile(r"NVRM:? .{0,80}RmInitAdapter failed")),
    ("edac-uncorrected", re.compile(r"EDAC .{0,20}MC\d{1,3}: (?:\d{1,9} )?UE\b")),
    ("edac-corrected", re.compile(r"EDAC .{0,20}MC\d{1,3}: (?:\d{1,9} )?CE\b")),
    ("soft-lockup", re.compile(r"(?:NMI )?(?:watchdog: )?BUG: soft lockup\b")),
    ("hard-lockup", re.compile(r"(?:NMI )?[Ww]atchdog: .{0,40}hard LOCKUP\b")),
    ("nmi", re.compile(r"Uhhuh\. NMI received|NMI: (?:PCI system error|IOCK error)")),
    # A floppy or optical drive without a medium answers every read with an error.
    ("io-error", re.compile(
        r"(?:[\w-]{1,32}: )?(?:Buffer )?(?:I/O error|critical (?:medium|target) error),?"
        r"(?: on)? dev (?!fd\d|sr\d)")),
    ("thermal-event", re.compile(
        r"(?:mce: )?CPU\d{1,4}: (?:Core|Package) temperature (?:is )?above threshold"
        r"|.{0,60}critical temperature reached")),
    ("module-refused", re.compile(
        r".{0,60}unsigned module loading is restricted"
        r"|.{0,60}Loading of .{0,40}module.{0,40} is (?:rejected|restricted)")),
)  # fmt: skip
_WORDS = re.compile(
    r"fallen off|lost from|mismatch|NVIDIA GPU|limited by|RmInit|EDAC|LOCKUP|lockup|NMI|rror,? "
    r"|temperature|module|oom-killer|Killed|BAR ?\d"
)
_LIMITED = re.compile(
    rf"\S{{1,32}} ({pci_address.PATTERN}): .{{1,80}}, limited by (.{{1,80}}?)(?: \(capable|$)"
)
_LOST = re.compile(r"\bfallen off the bus\b|GPU lost from the bus$")
_QUOTED = re.compile(r"[\"'{\[<=]")  # begins what some program wrote of it
_NAMED = re.compile(rf"NVRM: The NVIDIA GPU ({pci_address.PATTERN})\b")
_OOM = re.compile(r"\S{1,64}.{0,20} invoked oom-killer:")
_KILLED = re.compile(r"(?:.{0,40}[Oo]ut of memory: )?Killed process \d")
_MISMATCH = re.compile(r"NVRM: API mismatch: ")
_SECOND = re.compile(r"[.,]\d{1,9}")


class Faults:
    """Collects faults line by line; `finish` gives them in the order of their first lines."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.entries: list[dict[str, Any]] = []
        self._bars = Bars()
        self._checks = MachineChecks()
        self._order: list[int] = []
        self._named: Line | None = None  # "The NVIDIA GPU …"
        self._last_loss: dict[str | None, tuple[str | None, set[str]]] = {}
        self._oom: dict[str, Any] | None = None
        self._mismatch: tuple[int, dict[str, Any]] | None = None

    def see(self, line: Line, xid: dict[str, Any] | None) -> None:
        message = line.message
        self._checks.see(line)
        self._continue_mismatch(line)
        if xid is not None:
            if xid["code"] == 79:
                self._lose(line, xid["pci"], "xid")
            return
        if not _WORDS.search(message):
            return
        self._bars.see(line)
        if _NAMED.match(message):
            self._named = line
        if _LOST.search(message) and not _QUOTED.match(message):
            named = self._just_named(line) or line
            line = line._replace(stamp=line.stamp or named.stamp)
            self._lose(line, self._address(message) or self._address(named.message), "words")
        elif _MISMATCH.match(message):
            self._mismatch = line.number, self._add("api-mismatch", line)
        elif limited := _LIMITED.match(message):
            entry = self._add("limited-link", line, pci_address.normal(limited[1]))
            entry["limit"] = limited[2]
        elif not self._out_of_memory(line):
            self._simple(line)

    def finish(self) -> list[dict[str, Any]]:
        found = [
            *zip(self._order, self.entries, strict=True),
            *self._bars.found(),
            *self._checks.found(),
        ]
        return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]

    def _simple(self, line: Line) -> None:
        kind = next((kind for kind, words in _SIMPLE if words.match(line.message)), None)
        if kind:
            self._add(kind, line, self._address(line.message) if kind == "rm-init-failed" else None)

    def _lose(self, line: Line, pci: str | None, words: str) -> None:
        """A loss is said up to three times in the same second: one fault, one card in `lost`."""
        if pci and pci not in self.lost:
            self.lost.append(pci)
        second = _SECOND.sub("", line.stamp) if line.stamp else None
        before, said = self._last_loss.get(pci, (None, set()))
        is_same = bool(said) and (second == before if second and before else words not in said)
        self._last_loss[pci] = (second or before, said | {words} if is_same else {words})
        if not is_same:
            self._add("gpu-lost", line, pci)

    def _out_of_memory(self, line: Line) -> bool:
        """One event is one fault: who asked, and a screen later who was killed."""
        if _OOM.match(line.message):
            self._oom = self._add("oom-kill", line)
            return True
        if _KILLED.match(line.message) is None:
            return False
        if self._oom:
            self._oom["message"] = line.message[:_MAX_TEXT]
        else:
            self._add("oom-kill", line)
        self._oom = None
        return True

    def _continue_mismatch(self, line: Line) -> None:
        """The versions stand in the lines that follow, up to "Please make sure …"."""
        if self._mismatch is None or _MISMATCH.match(line.message):
            return
        number, entry = self._mismatch
        words, please, _ = line.message.removeprefix("NVRM: ").partition("Please")
        is_next = line.message.startswith("NVRM: ") and line.number - number <= _TOLD_OVER
        if is_next and not words.startswith("make sure"):
            entry["message"] += f" {words.strip()}"
        if please or not is_next:
            self._mismatch = None

    def _just_named(self, line: Line) -> Line | None:
        """The line that named a card, where this one ends what it began."""
        named = self._named
        return named if named and line.number - named.number <= _TOLD_OVER else None

    def _address(self, message: str) -> str | None:
        match = _ADDRESS.search(message)
        return pci_address.normal(match[1]) if match else None

    def _add(self, kind: str, line: Line, pci: str | None = None) -> dict[str, Any]:
        entry = {"kind": kind, "pci": pci, "message": line.message[:_MAX_TEXT], "stamp": line.stamp}
        self.entries.append(entry)
        self._order.append(line.number)
        return entry
