"""Servers on cards that somebody has chosen: whether these can carry them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from preflight.facts import Gpu, LayoutCard
from preflight.layout import Server
from preflight.understand.alike import kinds


def numbered(gpus: Sequence[Gpu]) -> Mapping[int, str]:
    """The number that nvidia-smi gives a card, where it gave none that of the bus -> subject."""
    given = {g.nvml_index: g.subject for g in gpus if isinstance(g.nvml_index, int)}
    return given or {number: gpu.subject for number, gpu in enumerate(gpus)}


def refusal(
    servers: Sequence[Server], cards: Sequence[LayoutCard], numbers: Mapping[int, str]
) -> str:
    """Why not, the plainest first; "" where nothing that was read is in the way."""
    known = {card.subject: card for card in cards}
    wanted = [number for server in servers for number in server.cards]
    absent = sorted({number for number in wanted if number not in numbers})
    if absent:
        there = ", ".join(map(str, sorted(numbers))) or "none"
        return f"there is no card {_list(absent)} (nvidia-smi counts {there})"
    taken = dict.fromkeys(numbers[number] for number in wanted)
    barred = [known[subject] for subject in taken if known[subject].obstacles]
    if barred:
        told = (f"{card.label}: {', '.join(card.obstacles)}" for card in barred)
        return f"a card that was named for it cannot be used ({'; '.join(told)})"
    return next(_unlike(servers, known, numbers), "")


def _unlike(
    servers: Sequence[Server], known: Mapping[str, LayoutCard], numbers: Mapping[int, str]
) -> Iterator[str]:
    for server in servers:
        for group in server.groups:
            cards = [known[numbers[number]] for number in group]
            if len(kinds(cards)) > 1 and all(card.model for card in cards):
                told = " and ".join(f"{c.subject} {c.model.name}" for c in cards if c.model)
                yield (
                    f"{server.layout.name} splits every layer evenly over cards {_list(group)}, "
                    f"which are not of one model ({told})"
                )


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
