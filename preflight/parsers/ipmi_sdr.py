"""The sensors of a BMC: `ipmitool sdr` (three columns) and `ipmitool sdr elist` (five).

Seen from HPE, IBM, Dell, Supermicro, ASRock Rack. Errors of single sensors stand between the rows:

    Fan 1            | 43.51 percent     | ok
    ECC Corr Err     | Not Readable      | ns

    Temp             | 01h | ns  |  3.1 | Disabled
    Power Supply 1   | 03h | ok  | 10.1 | 110 Watts, Presence detected
    PS1 Status       | C8h | ok  | 10.88 | Presence detected, Failure detected, Power Supply AC lost
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from preflight.errors import NotThisKind
from preflight.parsers import ipmi_cells

KIND = "ipmi-sdr"
EXPECTED = "a sensor table of ipmitool sdr or ipmitool sdr elist"

_ID = re.compile(r"[0-9A-Fa-f]{2}h")
_ENTITY = re.compile(r"\d{1,3}\.\d{1,3}")


class _Row(NamedTuple):
    name: str
    status: str
    cell: str
    entity: str | None  # "10.1": the first power supply; only elist tells it


def parse(text: str) -> dict[str, Any]:
    """`state` holds the words of a discrete state, so that "ok" hides no "Failure detected".

    `entity` tells sensors of one name apart (IPMI 2.0, table 43-13: 3 processor, 7 system board,
    10 power supply), null where the table has no such column.
    """
    lines = ipmi_cells.table_cells(text)
    rows = [row for row in map(_row, lines) if row]
    if not rows or _is_cut(lines[-1], text):
        raise NotThisKind(EXPECTED)
    names = ipmi_cells.names([row.name for row in rows])
    return {
        "sensors": [
            ipmi_cells.sensor(name, row.cell, row.status) | {"entity": row.entity}
            for name, row in zip(names, rows, strict=True)
        ]
    }


def _row(cells: list[str]) -> _Row | None:
    """Read from the right: what a collector put before the name may hold a bar of its own."""
    if 5 <= len(cells) <= 6 and _ID.fullmatch(cells[-4]) and _ENTITY.fullmatch(cells[-2]):
        return _named(_Row(cells[-5], cells[-3], cells[-1], cells[-2]))
    if 3 <= len(cells) <= 4 and not _ID.fullmatch(cells[-2]):  # else half a row of elist
        return _named(_Row(cells[-3], cells[-1], cells[-2], None))
    return None


def _named(row: _Row) -> _Row | None:
    return row if row.name and row.status in ipmi_cells.STATUSES else None


def _is_cut(last: list[str], text: str) -> bool:
    """The text ends within a row: cells are lacking, or a unit breaks off."""
    row = _row(last)
    if row is None:
        return len(last) > 1
    return not text.endswith("\n") and ipmi_cells.is_cut(last[-1])
