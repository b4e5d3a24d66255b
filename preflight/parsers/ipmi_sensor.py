"""The sensors of a BMC with their limits: `ipmitool sensor` (ten columns).

Seen from Intel, Gigabyte (MegaRAC). A discrete sensor has its state in hexadecimal and no value:

    Pwr Unit Redund  | 0x0        | discrete   | 0x0100| na        | na        | na        | …
    CPU0_Margin_Temp | 16.000     | degrees C  | ok    | na        | 1.000     | 2.000     | …
    NVME_0_Temp      | na         | degrees C  | na    | na        | na        | na        | …
"""

from __future__ import annotations

import re
from typing import Any

from preflight.errors import NotThisKind
from preflight.parsers import ipmi_cells
from preflight.parsers.ipmi_cells import STATUSES

KIND = "ipmi-sensor"
EXPECTED = "a sensor table of ipmitool sensor"

_COLUMNS = 10
_STATE = re.compile(r"0x[0-9a-fA-F]{4}")
# The decimals' sign is the locale's: 12.128 here, 12,128 there.
_NUMBER = re.compile(r"-?\d{1,12}(?:[.,]\d{1,12})?")
_LIMIT = re.compile(r"na|-?\d{1,12}[.,]\d{3}")


def parse(text: str) -> dict[str, Any]:
    """`state` of a discrete sensor is its 16 bits as printed; their meaning is the type's."""
    lines = ipmi_cells.table_cells(text)
    rows = [row for row in map(_row, lines) if row]
    if not rows or (len(lines[-1]) > 1 and _row(lines[-1]) is None):
        raise NotThisKind(EXPECTED)
    names = ipmi_cells.names([row[0] for row in rows])
    return {"sensors": [_sensor(name, row) for name, row in zip(names, rows, strict=True)]}


def _row(cells: list[str]) -> list[str] | None:
    """The ten cells, from the right. A sensor without a reading may have no unit either."""
    row = cells[-_COLUMNS:]
    if not _COLUMNS <= len(cells) <= _COLUMNS + 1 or not row[0] or not (row[2] or row[1] == "na"):
        return None
    is_whole = all(_LIMIT.fullmatch(limit) for limit in row[4:])
    return row if is_whole and (row[3] in STATUSES or _STATE.fullmatch(row[3])) else None


def _sensor(name: str, row: list[str]) -> dict[str, Any]:
    reading, unit, status = row[1:4]
    if unit == "discrete":
        if status in STATUSES:
            return ipmi_cells.record(name, "status", None, None, status, None)
        return ipmi_cells.record(name, "status", None, None, None, status)
    value = float(reading.replace(",", ".")) if _NUMBER.fullmatch(reading) else None
    kind = ipmi_cells.kind_of(name, unit) if unit else ipmi_cells.kind_by_name(name)
    return ipmi_cells.record(name, kind, value, unit or None, status, None)
