"""Which ports each PCI device hangs on: the tree of `lspci -t`, with or without -nn and -v.

    -+-[0000:40]-+-01.1-[41]--+-00.0  NVIDIA Corporation AD102 [GeForce RTX 4090] [10de:2684]
     |           |            \\-00.1  NVIDIA Corporation Device [10de:22ba]
     \\-[0000:00]-+-00.0
                 \\-01.0-[01-03]----00.0-[02-03]----04.0-[03]----00.0

Columns alone tell what hangs on what. Seen with pciutils 3.5 to 3.13.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from preflight.errors import NotThisKind
from preflight.parsers.recording import table_lines

EXPECTED = "the output of lspci -t"

# A bus in brackets ("[0000:40]", "[02-03]"), or a device and function; a name follows two blanks.
_TOKEN = re.compile(
    r"\[(?:([0-9a-f]{4,8}):)?([0-9a-f]{2})(?:-[0-9a-f]{2})?\]|([0-9a-f]{2}\.[0-7])(  )?", re.I
)
_MOST = 8192  # lines


class _Bus(NamedTuple):
    column: int
    domain: str
    number: str
    above: tuple[str, ...]  # the ports over the bus, nearest first


def parse(text: str) -> dict[str, tuple[str, ...]]:
    """Every device's ports from its own upwards; () for one on a root bus."""
    found: dict[str, tuple[str, ...]] = {}
    open_buses: list[_Bus] = []
    for line in table_lines(text)[:_MOST]:
        last: str | None = None  # the port that the next bracket belongs to
        for token in _TOKEN.finditer(line[:1024]):
            column = token.start()
            open_buses = [bus for bus in open_buses if bus.column < column]
            _, number, device, has_name = token.groups()
            inside = open_buses[-1] if open_buses else None
            if number:
                open_buses.append(_bus(token, inside, last, found))
            elif inside:
                last = f"{inside.domain}:{inside.number}:{device}".lower()
                found[last] = inside.above
                if has_name:
                    break
    if not found:
        raise NotThisKind(EXPECTED)
    return found


def _bus(
    token: re.Match[str], inside: _Bus | None, port: str | None, found: dict[str, tuple[str, ...]]
) -> _Bus:
    """A root bus names its domain where there are several; one below a port has the port's."""
    domain, number, *_ = token.groups()
    if port is None or inside is None:
        return _Bus(token.start(), (domain or "0000").lower(), number.lower(), ())
    return _Bus(token.start(), inside.domain, number.lower(), (port, *found[port]))
