"""Machine checks: the runs of "[Hardware Error]" lines, one fault a run.

A run is corrected where it says so, or where its status word has no UC bit (bit 61 of MCi_STATUS,
Intel SDM volume 3, 17.3.2.2; AMD APM volume 2, 9.3.2.1). One that does not tell counts as a
machine check. Firmware's records of PCIe errors are AER's, and those of severity info are no fault.
"""

from __future__ import annotations

import re
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
_UC = 1 << 61
_GAP = 3  # other lines that may stand inside a run
_MAX_TEXT = 512


class MachineChecks:
    def __init__(self) -> None:
        self._runs: list[list[tuple[int, Line]]] = []

    def see(self, index: int, line: Line) -> None:
        message = line.message
        is_record = _RECORD.match(message) is not None
        if not is_record and not (
            ("mce" in message or "panic" in message) and _EXCEPTION.match(message)
        ):
            return
        starts_record = "Hardware error from APEI" in message or "Machine check events" in message
        if not self._runs or starts_record or index - self._runs[-1][-1][0] > _GAP:
            self._runs.append([])
        self._runs[-1].append((index, line))

    def found(self) -> list[tuple[int, dict[str, Any]]]:
        faults = []
        for run in self._runs:
            kind = _kind([line.message for _, line in run])
            if kind:
                index, line = run[0]
                told = next((one for _, one in run if _tells(one.message)), line)
                faults.append(
                    (
                        index,
                        {
                            "kind": kind,
                            "pci": None,
                            "message": told.message[:_MAX_TEXT],
                            "stamp": line.stamp,
                        },
                    )
                )
        return faults


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
