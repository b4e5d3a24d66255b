"""The square tables of `nvidia-smi topo`: devices across the head, the same devices down.

Devices are counted by name, not columns by position: pasted copies lose the leading tab, turn
tabs to blanks, are indented, wrapped at the terminal's width or carry a prefix on each line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from preflight.parsers.recording import table_lines

_MAX_DEVICES = 256  # far above any host: 16 cards and their NICs
_MAX_TRIES = 20  # tables looked at until one is of the kind asked for
_MAX_WRAP = 4  # lines that one head or row may be broken into
_MAX_WORDS = 2 * _MAX_DEVICES  # of one row, its prefix and its affinity included

_FIRST_ROW = re.compile(r"(?<![0-9A-Za-z_])GPU\d{1,3}\s{1,80}X(?:\s|$)")
_GPU = re.compile(r"GPU\d{1,3}$")
_BEFORE_NAME = re.compile(r"[^\w.\-]")
_NO_VALUE = re.compile(r"\[?(?:Unknown Error|GPU is lost|Not Supported|N/A|ERR!)\]?")
_AFFINITY = re.compile(r"[\d,\-\sN/A]+$")


@dataclass(frozen=True)
class Row:
    """`text` is the row from its name on; its cells end at `tail`."""

    name: str
    cells: tuple[str, ...]
    text: str
    tail: int


@dataclass(frozen=True)
class Matrix:
    devices: tuple[str, ...]
    headings: str  # what the head holds besides devices, blanks removed: "CPUAffinity…"
    rows: dict[str, Row]
    cut_row: str  # name of the row in a last line without line end, which may be cut; or ""

    @property
    def gpus(self) -> list[str]:
        return [name for name in self.devices if _GPU.match(name)]


IsCode = Callable[[str], object]


def read(text: str, is_code: IsCode) -> Matrix | None:
    """The first table all of whose cells are codes and that has a row for every GPU."""
    lines = table_lines(text)
    firsts = [i for i, line in enumerate(lines) if _FIRST_ROW.search(line)]
    for first in firsts[:_MAX_TRIES]:
        for devices, headings in _heads(lines[:first]):
            window = lines[first : first + _MAX_WRAP * (len(devices) + 8)]
            if _wrapped_row(window[:_MAX_WRAP], devices, is_code)[0] is None:
                continue  # a table of another kind; its head is not this one's
            rows = {row.name: row for row in _rows(window, devices, is_code)}
            last = next((n for n, row in rows.items() if lines[-1].endswith(row.text)), "")
            matrix = Matrix(tuple(devices), headings, rows, last)
            if all(name in rows for name in matrix.gpus):
                return matrix
    return None


def value(cell: str) -> str | None:
    return None if cell == "N/A" else cell


def _heads(above: Sequence[str]) -> Iterator[tuple[list[str], str]]:
    """The devices and headings that the lines above the first row may be read as."""
    near = [line for line in above[-2 * _MAX_WRAP :] if line.strip()][-_MAX_WRAP:]
    for count in range(1, len(near) + 1):
        for between in ("", " "):  # broken inside a word, or between two
            devices, headings = _head(between.join(_unindented(near[-count:])))
            if devices and len(devices) <= _MAX_DEVICES:
                yield devices, headings


def _head(line: str) -> tuple[list[str], str]:
    names = [_BEFORE_NAME.split(token)[-1] for token in line.split()]
    start = next((i for i, name in enumerate(names) if _GPU.match(name)), len(names))
    devices: list[str] = []
    for name in names[start:]:
        if name in devices or name in ("CPU", "NUMA", "GPU"):
            break  # the headings: "CPU Affinity", "GPU NUMA ID"
        devices.append(name)
    return devices, "".join(names[start + len(devices) :])


def _rows(lines: Sequence[str], devices: Sequence[str], is_code: IsCode) -> Iterator[Row]:
    width = max((len(line) for line in lines), default=0)
    found = i = 0
    while i < len(lines) and found < len(devices):
        row, used = _wrapped_row(lines[i : i + _MAX_WRAP], devices, is_code)
        i += used
        if row is None:
            continue
        rest = lines[i].strip() if i < len(lines) else ""
        if rest and _AFFINITY.match(rest):  # the affinity goes on in the next line
            between = "" if len(lines[i - 1]) == width else " "
            row = Row(row.name, row.cells, row.text + between + rest, row.tail)
            i += 1
        found += 1
        yield row


def _wrapped_row(
    lines: Sequence[str], devices: Sequence[str], is_code: IsCode
) -> tuple[Row | None, int]:
    """A row that starts in the first line, and how many lines it takes."""
    for count in range(1, len(lines) + 1):
        for between in ("", " "):
            row, begun = _row(between.join(_unindented(lines[:count])), devices, is_code)
            if row:
                return row, count
            if not begun:
                return None, 1
    return None, 1


def _row(line: str, devices: Sequence[str], is_code: IsCode) -> tuple[Row | None, bool]:
    """The row in a line; else whether one begins there, a name with the first of its cells."""
    line = _NO_VALUE.sub("N/A", line)
    tokens = list(re.finditer(r"\S+", line))
    begun = False
    if len(tokens) > _MAX_WORDS:
        return None, False
    for k, token in enumerate(tokens):
        name = _BEFORE_NAME.split(token.group())[-1]
        if name not in devices:
            continue
        cells = tokens[k + 1 : k + 1 + len(devices)]
        codes = tuple(cell.group() for cell in cells)
        whole = len(cells) == len(devices)
        if whole and codes[devices.index(name)] == "X" and all(_is_cell(c, is_code) for c in codes):
            start = token.end() - len(name)
            return Row(name, codes, line[start:], cells[-1].end() - start), True
        begun = begun or (bool(codes) and not whole and _is_cell(codes[0], is_code))
    return None, begun


def _is_cell(code: str, is_code: IsCode) -> bool:
    return code in ("X", "N/A") or bool(is_code(code))


def _unindented(lines: Sequence[str]) -> list[str]:
    return [lines[0], *(line.lstrip() for line in lines[1:])]
