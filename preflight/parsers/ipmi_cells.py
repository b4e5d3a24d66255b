"""What the cells of ipmitool's tables mean: a reading with its unit, or a state in words.

The three tables (`sdr`, `sdr elist`, `sensor`) differ in their columns and share their cells.
"""

from __future__ import annotations

import re
from typing import Any

from preflight.parsers.recording import MAX_LINE, plain_text, without_prefixes

# ipmitool's words for the state of a sensor with limits; "ns" is no reading, "na" likewise.
STATUSES = frozenset({
    "ok", "ns", "na", "us", "nc", "cr", "nr", "lnc", "lcr", "lnr", "unc", "ucr", "unr",
})  # fmt: skip
UNITS = {
    "Watts": "power",
    "Amps": "current",
    "Volts": "voltage",
    "RPM": "fan",
    "degrees C": "temperature",
    "degrees F": "temperature",
    "degrees K": "temperature",
}
_NO_READING = frozenset({
    "", "na", "n/a", "no reading", "disabled", "not readable", "not available",
})  # fmt: skip
_READING = re.compile(
    r"(-?\d{1,12}(?:[.,]\d{1,12})?)(?: ([A-Za-z%][A-Za-z /%^0-9]{0,40}))?(?:, (.*))?"
)
_WITH_SERVICE = frozenset({4, 6, 11})  # columns of the three tables, and one
_HEX = re.compile(r"0x[0-9a-fA-F]{1,8}")
_MARGIN = re.compile(r"margin|mgn", re.IGNORECASE)
_FAN = re.compile(r"(?:^|[^a-z])(?:fans?|tach)(?![a-z])", re.IGNORECASE)
# Kinds of sensors that have no reading now, by what their makers call them.
_NAMES = (
    ("temperature", re.compile(r"(?:^|[^a-z])temp(?:erature)?(?![a-z])", re.IGNORECASE)),
    ("fan", _FAN),
    ("current", re.compile(r"(?:^|[^a-z])(?:current|curr|iin|iout)(?![a-z])", re.IGNORECASE)),
    ("voltage", re.compile(r"(?:^|[^a-z])(?:volt(?:age)?|vcore|vin|vout)(?![a-z])"
                           r"|\d ?V(?![a-z])", re.IGNORECASE)),
    ("power", re.compile(r"(?:^|[^a-z])(?:power|watts?|pin|pout)(?: meter)?$", re.IGNORECASE)),
)  # fmt: skip


def table_cells(text: str) -> list[list[str]]:
    """The cells of each line, up to the last that holds something."""
    lines = [line if len(line) <= MAX_LINE else "" for line in plain_text(text).split("\n")]
    cells = _without_service([[cell.strip() for cell in line.split("|", 32)] for line in lines])
    while cells and not any(cells[-1]):
        cells.pop()
    return cells


def _without_service(cells: list[list[str]]) -> list[list[str]]:
    """Without a first cell that stands on every line: a multiplexer's name of its service."""
    told = [line for line in cells if any(line)]
    is_wider = any(len(line) in _WITH_SERVICE for line in told)
    if not is_wider or len({line[0] for line in told}) != 1:
        return cells
    return [line[1:] if any(line) else line for line in cells]


def names(told: list[str]) -> list[str]:
    """The sensors' names without what a log collector put before each line."""
    return [name.strip() for name in without_prefixes(told)]


def sensor(name: str, cell: str, status: str | None) -> dict[str, Any]:
    """One sensor of which the tool prints reading and state in one cell."""
    if _HEX.fullmatch(cell):
        return record(name, "status", None, None, status, cell)
    reading = _READING.fullmatch(cell)
    if reading is None:
        state = None if cell.lower() in _NO_READING else cell
        kind = kind_by_name(name) if state is None else "status"
        return record(name, kind, None, None, status, state)
    value, unit, state = reading.groups()
    unit = unit.strip() if unit else None
    number = float(value.replace(",", "."))  # 12,13 Volts in some locales
    return record(name, kind_of(name, unit), number, unit, status, state or None)


def record(
    name: str,
    kind: str,
    value: float | None,
    unit: str | None,
    status: str | None,
    state: str | None,
) -> dict[str, Any]:
    """A sensor as `preflight parse` prints it; a whole number stands without its decimals."""
    if value is not None and value.is_integer():
        value = int(value)
    return {
        "name": name,
        "kind": kind,
        "value": value,
        "unit": unit,
        "status": status,
        "state": state,
    }


def kind_of(name: str, unit: str | None) -> str:
    """By the unit; a margin is a distance to a limit, and a percentage a fan's only by name."""
    if _MARGIN.search(name):
        return "status"
    if unit in UNITS:
        return UNITS[unit]
    return "fan" if unit in ("percent", "%") and _FAN.search(name) else "status"


def kind_by_name(name: str) -> str:
    """Of a sensor without a reading."""
    if _MARGIN.search(name):
        return "status"
    return next((kind for kind, pattern in _NAMES if pattern.search(name[:200])), "status")


def is_cut(cell: str) -> bool:
    """A reading whose unit breaks off, or no reading, as at the end of a text that was cut."""
    if any(word.startswith(cell.lower()) and word != cell.lower() for word in _NO_READING if cell):
        return cell.lower() not in _NO_READING
    unit = re.fullmatch(r"-?\d{1,12}(?:[.,]\d{0,12})? ?([A-Za-z ]{0,40})", cell)
    if unit is None:
        return False
    whole = {*UNITS, "percent"}
    return unit[1] not in whole and any(one.startswith(unit[1]) for one in whole)
