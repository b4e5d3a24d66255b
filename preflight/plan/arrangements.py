"""Which layouts a host's cards could be given, and which cards each server would take.

Cards of one kind only make a tensor-parallel group: it works like so many of its least card. The
stages of a pipeline, replicas and separate services may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil

from preflight.facts import Facts
from preflight.layout import REPLICAS, SPLIT, Layout, parse
from preflight.plan.shapes import Device, Refusal

Cards = tuple[Device, ...]
_FAR = {"PIX": 1, "PXB": 2, "PHB": 3, "NODE": 4, "SYS": 6}  # NVLink is 0, not known 5
_UNKNOWN_WAY = 5
_SPARE = 0.08  # of a card, that vLLM leaves to others: gpu_memory_utilization is 0.92
_MOST_ALIKE = 8  # cards of one kind that are tried in every combination


@dataclass(frozen=True)
class Arrangement:
    """A layout and the cards of each of its servers; `is_mixed` where a group is of two kinds."""

    layout: Layout
    servers: tuple[Cards, ...]
    refusal: Refusal | None = None
    is_mixed: bool = False


def arrange(devices: Cards, layout: Layout, facts: Facts | None = None) -> Arrangement:
    """That layout over these cards; a refusal where there are too few, or too few alike."""
    if layout.name == REPLICAS:
        return Arrangement(layout, tuple((device,) for device in devices))
    if layout.name == SPLIT:
        return _split(devices, layout)
    size, stages = layout.tensor_parallel_size, layout.pipeline_parallel_size
    if layout.cards_needed > len(devices):
        words = f"it takes {layout.cards_needed} cards, there {_are(len(devices))}"
        return Arrangement(layout, (), Refusal(words, kind="cards"))
    groups = list(_groups(devices, size, _ways(facts)))[:stages]
    if len(groups) == stages:
        chosen = tuple(device for group in groups for device in group)
        return Arrangement(layout, (chosen,))
    return Arrangement(layout, (devices[: layout.cards_needed],), is_mixed=True)


def considered(count: int) -> tuple[Layout, ...]:
    """The layouts that are computed for so many cards, the plainest first."""
    powers = [1 << n for n in range(count.bit_length()) if 1 << n <= count]
    sizes = sorted({*powers, count})
    names = [f"tp{size}" for size in sizes]
    names += [f"pp{size}" for size in sizes if size > 1]
    names += [
        f"tp{tensor}pp{count // tensor}"
        for tensor in powers
        if tensor > 1 and count % tensor == 0 and count // tensor > 1
    ]
    if count > 1:
        names += [REPLICAS, SPLIT]
    return tuple(parse(name) for name in names)


def kind(device: Device) -> tuple[str, int]:
    """What makes two cards alike: their name and their memory."""
    return device.name, round(device.memory_gib)


def strongest_first(devices: Sequence[Device]) -> list[Device]:
    """By memory, as it is sold, less what others hold of it; of as much by bandwidth."""
    return sorted(
        devices,
        key=lambda device: (taken_gib(device) - round(device.memory_gib), -device.memory_gb_s),
    )


def taken_gib(device: Device) -> int:
    """What others hold of a card; 0 where vLLM would not mind, which leaves them a share."""
    used = device.memory_used_gib or 0.0
    return ceil(used) if used > _SPARE * device.memory_gib else 0


def _split(devices: Cards, layout: Layout) -> Arrangement:
    """This model on one card; the others are left for other services."""
    if len(devices) < 2:
        return Arrangement(layout, (), Refusal("there is one card only", kind="cards"))
    return Arrangement(layout, ((strongest_first(devices)[0],),))


def _groups(devices: Cards, size: int, ways: Mapping[str, int]) -> Iterator[Cards]:
    """Groups of that many alike cards, the nearest together first."""
    if size == 1:
        yield from ((device,) for device in strongest_first(devices))
        return
    kinds: dict[tuple[str, int], list[Device]] = {}
    for device in devices:
        kinds.setdefault(kind(device), []).append(device)
    for alike in sorted(kinds.values(), key=_by_free):
        left = sorted(alike, key=taken_gib)
        while len(left) >= size:
            nearest = min(combinations(left[: max(_MOST_ALIKE, size)], size), key=_spread(ways))
            yield nearest
            left = [device for device in left if device not in nearest]


def _by_free(alike: Sequence[Device]) -> tuple[int, int, float]:
    free = sum(not taken_gib(device) for device in alike)
    return -free, -len(alike), -alike[0].memory_gib


def _spread(ways: Mapping[str, int]) -> Callable[[Cards], tuple[int, int, int]]:
    """Free cards before near ones: vLLM does not start on a card that others have filled."""

    def spread(group: Cards) -> tuple[int, int, int]:
        pairs = combinations((device.subject for device in group), 2)
        far = [ways.get(f"{one}-{two}", _UNKNOWN_WAY) for one, two in pairs]
        return max(taken_gib(device) for device in group), max(far), sum(far)

    return spread


def _ways(facts: Facts | None) -> dict[str, int]:
    told = {pair.subject: pair.topology for pair in facts.pairs} if facts else {}
    return {
        subject: 0 if topology.startswith("NV") else _FAR.get(topology, _UNKNOWN_WAY)
        for subject, topology in told.items()
        if isinstance(topology, str)
    }


def _are(count: int) -> str:
    return "is one" if count == 1 else f"are {count}"
