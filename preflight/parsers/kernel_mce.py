"""Machine checks: the runs of "[Hardware Error]" lines, one fault a run.

A run is corrected where it says so, or where its status word has no UC bit (bit 61 of MCi_STATUS,
Intel SDM volume 3, 17.3.2.2; AMD APM volume 2, 9.3.2.1). One that does not tell counts as a
machine check, unless EDAC tells of a memory error beside it: then it announces that one. Firmware's
records of PCIe errors are AER's, and those of severity info are no fault.
"""

from __future__ import annotations

import re
from bisect import bisect
from typing import Any

from preflight.parsers.kernel_line import Line

_RECORD = re.compile(r"(?:mce: )?(?:\{(\d{1,6})\})?\[Hardware Error\]: ")
_EXCEPTION = re.compile(r"mce: .{0,40}Machine Check Exception|Kernel panic .{0,40}machine check|"
                        r"mce: Uncorrected hardware memory error")  # fmt: skip
_CORRECTED = re.compile(r"Corrected error|corrected by h/w|event severity: corrected")
_HARMLESS = re.compile(
    r"event severity: info|section_type: PCIe error|Skipped \d{1,9} error records"
)
_WORSE = re.compile(r"Uncorrected|Deferred error|event severity: (?:recoverable|fatal)|Exception")
_STATUS = re.compile(r"(?:Bank \d{1,3}: |MC\d{1,3}_STATUS\[[^\]]{0,80}\]: 0x)([0-9a-f]{16})")
_MEMORY = re.compile(r"section_type: memory error|Corrected error.{0,80}DRAM ECC")
_CHECK = ": Machine Check: "
_UC = 1 << 61
_EDAC = re.compile(r"EDAC .{0,20}MC\d{1,3}: (?:\d{1,9} )?[CU]E\b")
_NEAR = 8  # lines between an announcement and what EDAC tells of it
_GAP = 3  # other lines that may stand inside a run
_MAX_TEXT = 512


class MachineChecks:
    def __init__(self) -> None:
        self._runs: list[list[Line]] = []
        self._edac: list[int] = []

    def see(self, line: Line) -> None:
        message = line.message
        if _EDAC.match(message):
            self._edac.append(line.number)
        if not _RECORD.match(message) and not _EXCEPTION.match(message):
            return
        if not self._runs or self._begins(line):
            self._runs.append([])
        self._runs[-1].append(line)

    def found(self) -> list[tuple[int, dict[str, Any]]]:
        kinds = [_kind([line.message for line in run]) for run in self._runs]
        return [
            (run[0].number, _fault(kind, run))
            for kind, run in zip(kinds, self._runs, strict=True)
            if kind and not self._announces_edac(run)
        ]

    def _begins(self, line: Line) -> bool:
        run, message = self._runs[-1], line.message
        return (
            line.number - run[-1].number > _GAP
            or "Hardware error from APEI" in message
            or "Machine check events" in message
            or (_CHECK in message and any(_CHECK in one.message for one in run))
        )

    def _announces_edac(self, run: list[Line]) -> bool:
        number = run[0].number
        is_bare = len(run) == 1 and "Machine check events" in run[0].message
        at = bisect(self._edac, number)
        near = self._edac[max(0, at - 1) : at + 1]
        return is_bare and any(abs(number - other) <= _NEAR for other in near)


def _fault(kind: str, run: list[Line]) -> dict[str, Any]:
    told = next((line.message for line in run if _tells(line.message)), run[0].message)
    return {"kind": kind, "pci": None, "message": told[:_MAX_TEXT], "stamp": run[0].stamp}


def _kind(messages: list[str]) -> str | None:
    if any(_HARMLESS.search(message) for message in messages):
        return None
    status = [int(found[1], 16) for m in messages if (found := _STATUS.search(m))]
    is_worse = any(_WORSE.search(m) for m in messages) or any(word & _UC for word in status)
    if is_worse:
        is_memory = any(_MEMORY.search(message) for message in messages)
        return "edac-uncorrected" if is_memory else "machine-check"
    is_corrected = bool(status) or any(_CORRECTED.search(message) for message in messages)
    return "edac-corrected" if is_corrected else "machine-check"


def _tells(message: str) -> bool:
    return any(words.search(message) for words in (_WORSE, _CORRECTED, _STATUS))
