"""The ways in which vLLM may be laid out over the cards of a host, as a person asks for them.

`tp2` splits every layer over two cards, `pp2` puts half of the layers on each, `tp2pp2` does both
on four; `replicas` is one server a card behind a load balancer, `split` different services on
different cards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from preflight.errors import UsageError

REPLICAS, SPLIT = "replicas", "split"
WORDS = f"tpN, ppN, tpNppM, {REPLICAS} or {SPLIT}"
_PARALLEL = re.compile(r"(?:tp([1-9][0-9]?))?(?:pp([1-9][0-9]?))?")


@dataclass(frozen=True)
class Layout:
    """One layout; the sizes are vLLM's own settings of one server."""

    name: str
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1

    @property
    def sizes(self) -> tuple[int, int]:
        """Tensor and pipeline parallel: tp2 and tp2pp1 are the same."""
        return self.tensor_parallel_size, self.pipeline_parallel_size

    @property
    def is_one_server(self) -> bool:
        return self.name not in (REPLICAS, SPLIT)

    @property
    def cards_needed(self) -> int:
        """The least number of cards: `replicas` and `split` take all that there are."""
        if self.is_one_server:
            return self.tensor_parallel_size * self.pipeline_parallel_size
        return 2 if self.name == SPLIT else 1


@dataclass(frozen=True)
class Server:
    """One server of a layout on cards that somebody has chosen."""

    layout: Layout
    cards: tuple[int, ...]  # as nvidia-smi counts them, one a rank: stage after stage

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The cards of each tensor-parallel group."""
        size = self.layout.tensor_parallel_size
        return tuple(self.cards[at : at + size] for at in range(0, len(self.cards), size))


def parse(text: str) -> Layout:
    """The layout of that name; UsageError for anything else."""
    if text in (REPLICAS, SPLIT):
        return Layout(text)
    sizes = _PARALLEL.fullmatch(text)
    if not text or sizes is None:
        raise UsageError(f"no layout {text[:40]!r}", f"a layout is {WORDS}, such as tp2 or tp2pp2")
    tensor, pipeline = (int(size or 1) for size in sizes.groups())
    return Layout(text, tensor, pipeline)
