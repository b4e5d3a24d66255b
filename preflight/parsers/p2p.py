"""Whether peer access is granted, direction by direction: `nvidia-smi topo -p2p r|w|n|a|p`.

Seen with drivers 470 to 595; every line starts with a blank and ends with a tab:

        GPU0	GPU1
     GPU0	X	CNS
     GPU1	CNS	X

    Legend:
"""

from __future__ import annotations

from typing import Any

from preflight.errors import NotThisKind
from preflight.parsers import matrix

KIND = "p2p"
EXPECTED = "an nvidia-smi topo -p2p table"

_CODES = frozenset({"OK", "CNS", "GNS", "TNS", "NS", "DR", "U"})


def parse(text: str) -> dict[str, Any]:
    """`pairs` are directed: the row's GPU reaches the column's."""
    table = matrix.read(text, _CODES.__contains__)
    if table is None or table.headings or table.gpus != list(table.devices):
        raise NotThisKind(EXPECTED)
    pairs = [
        [gpu, other, matrix.value(cell)]
        for gpu in table.gpus
        for other, cell in zip(table.devices, table.rows[gpu].cells, strict=True)
        if other != gpu
    ]
    return {"gpus": table.gpus, "pairs": pairs}
