"""Which cards a layout would take: alike ones for each tensor-parallel group, the nearest together.

Why alike: tensor parallelism splits every layer evenly, so that a group works like so many of its
least card. The stages of a pipeline, replicas and separate services may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, islice

from preflight.facts import (
    Fact,
    Facts,
    Gpu,
    GpuModel,
    LayoutCard,
    Missing,
    Placement,
)
from preflight.layout import REPLICAS, SPLIT, Layout, Server, parse
from preflight.understand.alike import kinds
from preflight.understand.chosen import numbered, refusal

Groups = tuple[tuple[str, ...], ...]
_MOST = 16  # cards of one model that are tried in every combination; a host holds 8, at most 16
_FAR = {"PIX": 1, "PXB": 2, "PHB": 3, "NODE": 4, "SYS": 6}  # NVLink is 0, not known 5
_UNKNOWN_WAY = 5
_ONE_CARD = "tp1"
_NO_CARD = Missing("not-present", "no NVIDIA card")


def placement(facts: Facts, layout: Layout, servers: Sequence[Server] = ()) -> Fact[Placement]:
    """Where the layout would go, or whether its servers can be where somebody has put them.

    Missing where not even the cards are known.
    """
    if not isinstance(facts.gpus, tuple):
        return facts.gpus
    if not facts.gpus:
        return _NO_CARD
    cards = tuple(_card(gpu, facts.host.gpu_models) for gpu in facts.gpus)
    ways = _ways(facts)
    others = () if _has_lost(facts.gpus) else tuple(_alternatives(layout, cards, ways))
    if servers:
        return _as_chosen(facts, cards, servers, numbered(facts.gpus), others)
    groups = _groups(layout, cards, ways)
    hopeful = tuple(replace(card, unread=()) for card in cards)
    return Placement(
        cards=cards,
        groups=groups,
        may_fit=bool(_groups(layout, hopeful, ways)),
        alternatives=others,
        has_peers=_has_peers(facts, groups),
    )


def _as_chosen(
    facts: Facts,
    cards: tuple[LayoutCard, ...],
    servers: Sequence[Server],
    numbers: Mapping[int, str],
    others: tuple[str, ...],
) -> Placement:
    why = refusal(servers, cards, numbers)
    wanted = {numbers.get(number) for server in servers for number in server.cards}
    taken = tuple(card for card in cards if card.subject in wanted)
    is_read = not why and not any(card.unread for card in taken)
    groups = tuple(
        tuple(numbers[number] for number in group)
        for server in (servers if is_read else ())
        for group in server.groups
    )
    peers = _has_peers(facts, groups)
    return Placement(taken, groups, not why, others, peers, refusal=why)


def together(pair: Sequence[str], groups: Groups) -> bool:
    """These cards are all in one tensor-parallel group."""
    return any(set(pair) <= set(group) for group in groups)


def _card(gpu: Gpu, models: Fact[tuple[GpuModel, ...]]) -> LayoutCard:
    named = models if isinstance(models, tuple) else ()
    obstacles, unread = [], []
    if isinstance(gpu.lost_signs, tuple) and gpu.lost_signs:
        obstacles.append(f"it does not answer ({gpu.lost_signs[0]})")
    elif isinstance(gpu.lost_signs, Missing):
        unread.append(f"whether it answers ({gpu.lost_signs})")
    if gpu.mig_enabled is True:
        obstacles.append("MIG is on")
    elif isinstance(gpu.mig_enabled, Missing):
        unread.append(f"whether MIG is on ({gpu.mig_enabled})")
    if gpu.compute_mode == "Prohibited":
        obstacles.append("its compute mode is Prohibited")
    model = next((model for model in named if model.subject == gpu.subject), None)
    if model is None:
        unread.append("its model")
    return LayoutCard(gpu.subject, gpu.label, model, tuple(obstacles), tuple(unread))


def _has_lost(gpus: tuple[Gpu, ...]) -> bool:
    """Then the host is refused whatever is asked for."""
    return any(isinstance(gpu.lost_signs, tuple) and gpu.lost_signs for gpu in gpus)


def _ways(facts: Facts) -> Mapping[str, int]:
    """How far apart the cards of a pair are, 0 the nearest."""
    return {pair.subject: _far(pair.topology) for pair in facts.pairs}


def _far(topology: Fact[str]) -> int:
    if not isinstance(topology, str):
        return _UNKNOWN_WAY
    return 0 if topology.startswith("NV") else _FAR.get(topology, _UNKNOWN_WAY)


def _groups(layout: Layout, cards: Sequence[LayoutCard], ways: Mapping[str, int]) -> Groups:
    """The cards of each tensor-parallel group; empty where the layout does not fit."""
    usable = [card for card in cards if not card.obstacles and not card.unread]
    if not layout.is_one_server:
        is_whole = len(usable) == len(cards) >= layout.cards_needed
        return tuple((card.subject,) for card in usable) if is_whole else ()
    size, stages = layout.tensor_parallel_size, layout.pipeline_parallel_size
    if size == 1:
        chosen: Groups = tuple((card.subject,) for card in usable[:stages])
    else:
        chosen = tuple(islice(_alike_groups(usable, size, ways), stages))
    return chosen if len(chosen) == stages else ()


def _alike_groups(
    cards: Sequence[LayoutCard], size: int, ways: Mapping[str, int]
) -> Iterator[tuple[str, ...]]:
    """Groups of that many cards of one model, those nearest together first, of the most common."""
    for kind in sorted(kinds(cards), key=len, reverse=True):
        left = [card.subject for card in kind[:_MOST]]
        while len(left) >= size:
            nearest = min(combinations(left, size), key=lambda group: _spread(group, ways))
            yield nearest
            left = [subject for subject in left if subject not in nearest]


def _spread(group: Iterable[str], ways: Mapping[str, int]) -> tuple[int, int]:
    """The longest way within a group, then the sum of all."""
    far = [ways.get(f"{one}-{two}", _UNKNOWN_WAY) for one, two in combinations(group, 2)]
    return max(far), sum(far)


def _alternatives(
    layout: Layout, cards: Sequence[LayoutCard], ways: Mapping[str, int]
) -> Iterator[str]:
    """Other layouts that these cards carry now, the nearest to the one asked for first."""
    for name in _candidates(layout, cards):
        groups = _groups(parse(name), cards, ways)
        if groups and name != layout.name and not _is_far(groups, ways):
            yield name


def _candidates(layout: Layout, cards: Sequence[LayoutCard]) -> list[str]:
    """Different cards: separate services first. Too few or too far: the same with less."""
    count = sum(not card.obstacles for card in cards)
    size = layout.tensor_parallel_size
    smaller = [f"tp{1 << power}" for power in range(6, 0, -1) if 1 << power < size]
    stages = [f"pp{min(count, layout.cards_needed)}"] if count > 1 else []
    if size > 1 and len(kinds(cards)) > 1:
        return [SPLIT, REPLICAS, *smaller, *stages, _ONE_CARD]
    one_card = [_ONE_CARD, REPLICAS] if count == 1 else [REPLICAS, SPLIT, _ONE_CARD]
    return [*smaller, *stages, *one_card]


def _is_far(groups: Groups, ways: Mapping[str, int]) -> bool:
    return any(len(group) > 1 and _spread(group, ways)[0] >= _FAR["SYS"] for group in groups)


def _has_peers(facts: Facts, groups: Groups) -> bool | None:
    paths = [path for path in facts.peer_paths if together(path.subject.split(">"), groups)]
    granted = [s for path in paths for s in (path.peer_read, path.peer_write)]
    if not granted or any(isinstance(status, Missing) for status in granted):
        return None
    return all(status == "OK" for status in granted)
