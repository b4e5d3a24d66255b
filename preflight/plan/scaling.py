"""What a layout makes of its cards against one card alone, and where the lost share goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preflight.plan.throughput import BUBBLES, LATENCY, TRANSFER, Server, Speed, decode
from preflight.plan.wish import Wish

UNDIVIDED = "work that no further card takes over"  # starting kernels, sampling, the scheduler
_TOLD = 0.01  # a guess: of less nobody asks where it goes


@dataclass(frozen=True)
class Scaling:
    """Speed over that of the strongest card alone, as if its memory were enough.

    `lost` are shares of the time: of waiting for each other, and the rest that keeps one server
    on several cards from being as many times as fast.
    """

    at_one: float
    at_many: float  # with as many requests as run at the concurrency that was asked for
    lost: Mapping[str, float]


def scaling(
    speeds: Mapping[int, Speed], alone: Server, wish: Wish, servers: Sequence[Server]
) -> Scaling:
    many = speeds[wish.concurrency]
    one = decode(alone, 1, wish.context_tokens).tok_s
    same = decode(alone, many.batch, wish.context_tokens).tok_s
    lost = {name: many.shares[name] for name in (LATENCY, TRANSFER, BUBBLES) if name in many.shares}
    at_many = many.tok_s / same
    if len(servers) == 1:
        rest = 1 - at_many / servers[0].setup.ranks - sum(lost.values())
        lost |= {UNDIVIDED: rest} if rest >= _TOLD else {}
    return Scaling(speeds[1].tok_s / one, at_many, lost)


def mixed_words(server: Server, alone: Server | None, wish: Wish) -> str:
    """Why cards of two kinds make no tensor-parallel group, as a number."""
    slow = min(server.devices, key=lambda card: (card.memory_gb_s, card.memory_gib))
    names = " and ".join(dict.fromkeys(card.name for card in server.devices))
    words = f"{names} are of different kinds: each rank waits for and holds as much as {slow.name}"
    group = decode(server, 1, wish.context_tokens).tok_s
    words += f"; an estimated {group:.0f} tok/s for one request"
    if alone is None:
        return words
    single = decode(alone, 1, wish.context_tokens).tok_s
    return f"{words}, {single:.0f} by the bandwidth of {alone.devices[0].name} alone"
