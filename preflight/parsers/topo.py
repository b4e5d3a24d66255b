"""Paths between GPUs, and between GPUs and NICs: `nvidia-smi topo -m` (also `-mp`).

Seen with drivers 384 to 610; tab separated, the head often underlined with escapes:

        GPU0	GPU1	NIC0	CPU Affinity	NUMA Affinity	GPU NUMA ID
    GPU0	 X 	NV18	PIX	0-31	0		N/A
    GPU1	NV18	 X 	SYS	0-31	0		N/A
    NIC0	PIX	SYS	 X

    Legend:
"""

from __future__ import annotations

import re
from typing import Any

from preflight.errors import NotThisKind
from preflight.parsers import matrix
from preflight.parsers.matrix import Matrix, Row

KIND = "topo"
EXPECTED = "an nvidia-smi topo -m table"

_CODE = re.compile(r"NV\d{1,2}|PIX|PXB|PHB|NODE|SYS|SOC|PSB|C2C")
_NO_VALUE = ("", "N/A")


def parse(text: str) -> dict[str, Any]:
    """`links` holds each unordered pair of GPUs, and of GPU and NIC, once; SOC is SYS."""
    table = matrix.read(text, _CODE.fullmatch)
    if table is None or (len(table.devices) == 1 and "CPUAffinity" not in table.headings):
        raise NotThisKind(EXPECTED)
    if table.cut_row in table.gpus and _is_cut(table):
        raise NotThisKind(EXPECTED)
    gpus = table.gpus
    return {
        "gpus": gpus,
        "nics": [name for name in table.devices if name not in gpus],
        "links": _links(table),
        "affinity": {name: _affinity(table.rows[name], table.headings) for name in gpus},
    }


def _links(table: Matrix) -> list[list[str | None]]:
    links: list[list[str | None]] = []
    for i, gpu in enumerate(table.devices):
        if gpu not in table.gpus:
            continue
        for j, other in enumerate(table.devices):
            if other in table.gpus and j <= i:
                continue
            code = matrix.value(table.rows[gpu].cells[j])
            if code is None and other in table.rows:
                code = matrix.value(table.rows[other].cells[i])
            links.append([gpu, other, "SYS" if code == "SOC" else code])
    return links


def _is_cut(table: Matrix) -> bool:
    """The last row ends the text and says less than the others, or less than the head."""
    words = {
        name: len(table.rows[name].text[table.rows[name].tail :].split()) for name in table.gpus
    }
    row = table.rows[table.cut_row]
    tail = row.text[row.tail :].split()
    own = words.pop(table.cut_row)
    if tail and (tail[-1].endswith(("-", ",")) or tail[-1] in ("N", "N/")):
        return True
    if "GPUNUMAID" in table.headings and own == 1 and tail[0] != "N/A":
        return True  # the GPU's NUMA id is always printed
    return own < max(words.values(), default=min(1, len(table.headings)))


def _affinity(row: Row, headings: str) -> dict[str, str | None]:
    columns = [name for name in ("CPUAffinity", "NUMAAffinity", "GPUNUMAID") if name in headings]
    cells = _tail_cells(row, len(columns))
    cpu = cells.pop(0) if cells and "CPUAffinity" in columns else ""
    if "GPUNUMAID" in columns and len(cells) > 1:
        cells.pop()
    numa = next((cell for cell in cells if cell), "") if "NUMAAffinity" in columns else ""
    return {
        "cpu": None if cpu in _NO_VALUE else cpu,
        "numa": None if numa in _NO_VALUE else numa,
    }


def _tail_cells(row: Row, columns: int) -> list[str]:
    """The cells after the matrix, empty ones kept.

    The tool puts two tabs before the GPU's NUMA id, so there may be a cell more than headings.
    """
    tail = row.text[row.tail :]
    if "\t" in tail:
        return [cell.strip() for cell in tail.split("\t")][1:]
    words = tail.split()
    if len(words) >= columns:
        return words
    return _untabbed(row) or _from_right(words, columns)


def _untabbed(row: Row) -> list[str]:
    """The cells of a row whose tabs became blanks up to the next multiple of eight."""
    cells: list[str] = []
    end = row.tail
    for word in re.finditer(r"\S+", row.text[row.tail :]):
        start = row.tail + word.start()
        if start % 8:
            return []
        cells += [""] * (start // 8 - end // 8 - 1) + [word.group()]
        end = row.tail + word.end()
    return cells


def _from_right(words: list[str], columns: int) -> list[str]:
    """What is left when blanks were collapsed: the GPU's NUMA id is always printed as N/A."""
    if columns == 3 and words and words[-1] == "N/A":
        return [*words[:-1], *[""] * (columns - len(words)), words[-1]]
    return words
