"""What a simulated machine's cards measured: entries of measured.yaml, beside machine.yaml.

An entry is one of the capture's `measurements` (docs/capture.md) with `why`, its source; with
`each` it is repeated for each of these cards, or for each directed pair `[from, to]`. A machine
that has another as its base takes over that one's entries and replaces those of one name and card.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from preflight.capture import Capture, Measurement
from preflight.demo.patch import BadChange

_AGAIN = ("nvml", "sysfs-pci", "dmesg")  # sources that the probe reads again after it measured


def measurements(
    base: Iterable[Measurement], told: Iterable[Mapping[str, Any]]
) -> list[Measurement]:
    """The entries of the machine, in order; BadChange for one without `why`."""
    found = {(one.name, one.pci, one.of, one.to): one for one in base}
    for entry in told:
        if not entry.get("why"):
            raise BadChange(f"a measurement needs `why`: {dict(entry)}")
        for one in _entries(entry):
            found[one.name, one.pci, one.of, one.to] = one
    return list(found.values())


def _entries(entry: Mapping[str, Any]) -> Iterator[Measurement]:
    plain = {key: value for key, value in entry.items() if key not in ("why", "each")}
    for place in entry.get("each", [None]):
        where: dict[str, Any] = {}
        if isinstance(place, list):
            where = {"from": place[0], "to": place[1]}
        elif place is not None:
            where = {"pci": place}
        yield msgspec.convert({"status": "ok", **plain, **where}, Measurement)


def measured(found: Capture, entries: list[Measurement]) -> Capture:
    """The capture of level look as level measure would have left it: nothing grew meanwhile."""
    again = {f"{name}-after": found.sources[name] for name in _AGAIN if name in found.sources}
    sources = {**found.sources, **again}
    return msgspec.structs.replace(found, level="measure", measurements=entries, sources=sources)
