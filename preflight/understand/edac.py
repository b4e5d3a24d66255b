"""The kernel's counters of errors in host memory, beside what its log tells of them.

Source: Linux, Documentation/admin-guide/RAS: `ce_count` and `ue_count` of each memory controller
count from when its driver was loaded. A log that has wrapped, or may not be read, still has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from preflight.capture import Capture, plain
from preflight.facts import KernelFault, Missing
from preflight.understand.picking import Picked, whole
from preflight.understand.sources import files

_COUNTER = re.compile(r"/sys/devices/system/edac/mc/(mc\d{1,4})/(ce|ue)_count")
_KINDS = {"ce": ("edac-corrected", "corrected"), "ue": ("edac-uncorrected", "uncorrected")}
_NO_TIME = "not told"


def with_counters(logged: Picked, capture: Capture) -> Picked:
    """The log's faults, and what the counters know of memory that no line of it names.

    Without a log only what fails is told: a corrected error must not hide that the log is unread.
    """
    told = files(capture, "cpu")
    counted = () if isinstance(told, Missing) else tuple(_counted(told))
    if not isinstance(logged.value, tuple):
        fatal = tuple(fault for fault in counted if fault.kind == _KINDS["ue"][0])
        return Picked(fatal, "cpu") if fatal else logged
    named = {fault.kind for fault in logged.value if fault.boot == 0}
    more = tuple(fault for fault in counted if fault.kind not in named)
    return Picked((*logged.value, *more), f"{logged.source}, cpu") if more else logged


def _counted(told: Mapping[str, str]) -> Iterator[KernelFault]:
    for path, text in sorted(told.items()):
        place = _COUNTER.fullmatch(path)
        count = whole(text)
        if place and count and count > 0:
            kind, word = _KINDS[place[2]]
            name = plain(told.get(path.rsplit("/", 1)[0] + "/mc_name", "")).strip()[:40]
            where = f"{place[1]} ({name})" if name else place[1]
            says = f"{word} errors of memory controller {where}, by its counter"
            yield KernelFault(kind, "host", says, count, 0, _NO_TIME, _NO_TIME)
