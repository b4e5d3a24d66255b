"""The steps of level measure: which child makes which measurements, when, and for how long.

First the cards at rest; then one card's link at a time, while another one's inside is measured;
then all together, then pairs, then sums over all of them.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations

from preflight.probe import (
    measure_allreduce,
    measure_card,
    measure_compute,
    measure_copy,
    measure_host,
    measure_memory,
    measure_nccl,
    measure_peers,
    measure_peers_together,
    measure_rest,
    measure_together,
)
from preflight.probe.plan import (
    ALONE,
    COLLECTIVE,
    OPENING,
    OPENING_STALL_S,
    PEERS,
    REST,
    TOGETHER,
    Step,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from preflight.probe.measured_cards import Cards
    from preflight.probe.request import Request
    from preflight.probe.tree import Tree

REST_S = 5.0  # a guess: long enough to see a load that comes and goes
LINK, INSIDE = "link", "inside"  # lanes
# What steps take on an H100, s; used for the estimate and for --within alone.
CARD_S, COPIES_S, MEMORY_S, COMPUTE_S, TOGETHER_S, CPU_S, DISK_S = 1, 5, 2, 5, 3, 2, 3
PAIR_S, STAGED_S, RING_S, SUM_S, NCCL_S = 2, 1, 2, 2, 5

HOST_COPIES = ("device-to-host", "host-to-device")
LINK_NAMES = (
    *HOST_COPIES,
    *(name + "-kernel" for name in HOST_COPIES),
    "copy-latency",
    "launch-latency",
)
COMPUTE_NAMES = (
    "fma-fp32",
    *(f"tensor-{kind}" for kind in measure_compute.TENSOR),
    "compute-correct",
)
PAIR_NAMES = ("peer-access", "staged-copy", "peer-data", "peer-copy", "peer-latency")
MOST_STAGED = 4  # cards, with which staged copies are measured beside granted access too
NCCL_STALL_S = 45.0  # longer than measure_nccl waits itself, which then says more


def steps_of(
    cards: list[str], usable: list[str], seen: Cards, tree: Tree, request: Request
) -> Iterator[Step]:
    """`usable`: those that nobody else computes on."""
    window_s = min(REST_S, request.within / 10) if request.within else REST_S
    rest = partial(measure_rest.rest, cards, window_s)
    yield Step("rest", rest, ("rest",), phase=REST, estimate_s=window_s, each=cards)
    yield from map(opening_step, cards)
    yield from (copies_step(card, tree) for card in cards)
    # Begin with another card than the links do, so that both lanes are busy.
    yield from (step for card in cards[1:] + cards[:1] for step in inside_steps(card))
    yield from host_steps(tree, request)
    for pair in combinations(cards, 2):
        yield pair_step(pair, frozenset(pair) in seen.with_nvlink, len(cards) <= MOST_STAGED)
    if len(usable) > 1:
        yield from steps_of_all(usable, seen.nccl, tree)


def pair_step(pair: tuple[str, str], has_nvlink: bool, is_staged: bool) -> Step:
    """Pairs that share no link of PCIe run at once; others one after another."""
    work = partial(measure_peers.peers, *pair, is_staged)
    one, two = ({"from": a, "to": b} for a, b in (pair, pair[::-1]))
    return Step(
        "peers " + " ".join(pair),
        work,
        PAIR_NAMES,
        phase=PEERS,
        estimate_s=PAIR_S + STAGED_S * is_staged,
        rank=1,
        of=(one, two),
        once=("peer-copy-both",),
        lane="" if has_nvlink else LINK,
    )


def steps_of_all(cards: list[str], libraries: Sequence[str], tree: Tree) -> Iterator[Step]:
    together = partial(measure_together.host_copies_together, tree, cards)
    names = [name + "-together" for name in HOST_COPIES]
    seconds = TOGETHER_S + len(cards)
    yield Step("together", together, names, phase=TOGETHER, estimate_s=seconds, rank=3, each=cards)
    group = ({"cards": cards},)
    ring = [{"from": a, "to": b, "cards": cards} for a, b in zip(cards, cards[1:] + cards[:1])]
    for name, work, made, seconds, of in (
        ("peers-together", measure_peers_together.peers_together, "peer-all", RING_S, ring),
        ("own-allreduce", measure_allreduce.own_allreduce, "own-allreduce", SUM_S, group),
    ):
        yield Step(
            name,
            partial(work, cards),
            (made,),
            phase=COLLECTIVE,
            estimate_s=seconds,
            rank=3,
            of=of,
            lane=LINK,
        )
    yield Step(
        "nccl-allreduce",
        partial(measure_nccl.nccl_allreduce, cards, libraries),
        tuple(measure_nccl.VARIANTS),
        phase=COLLECTIVE,
        estimate_s=NCCL_S,
        rank=4,
        of=group,
        lane=LINK,
        stall_s=NCCL_STALL_S,
    )


def opening_step(card: str) -> Step:
    work = partial(measure_card.card, card)
    names = ("cuda", "sm-ids")
    return Step(
        f"cuda {card}",
        work,
        names,
        phase=OPENING,
        estimate_s=CARD_S,
        pci=card,
        stall_s=OPENING_STALL_S,
    )


def copies_step(card: str, tree: Tree) -> Step:
    return Step(
        f"host-copies {card}",
        partial(measure_copy.host_copies, tree, card),
        LINK_NAMES,
        phase=ALONE,
        estimate_s=COPIES_S,
        rank=1,
        pci=card,
        lane=LINK,
    )


def inside_steps(card: str) -> Iterator[Step]:
    for name, work, names, seconds, rank in (
        ("device-memory", measure_memory.device_memory, measure_memory.NAMES, MEMORY_S, 1),
        ("compute", measure_compute.compute, COMPUTE_NAMES, COMPUTE_S, 2),
    ):
        yield Step(
            f"{name} {card}",
            partial(work, card),
            names,
            phase=ALONE,
            estimate_s=seconds,
            rank=rank,
            pci=card,
            lane=INSIDE,
        )


def host_steps(tree: Tree, request: Request) -> Iterator[Step]:
    copies = partial(measure_host.cpu_copies, tree)
    yield Step("cpu-copy", copies, ("cpu-copy",), phase=ALONE, estimate_s=CPU_S, rank=4, lane=LINK)
    read = partial(measure_host.disk_read, request.disk_write)
    yield Step("disk-read", read, ("disk-read",), phase=ALONE, estimate_s=DISK_S, rank=4, lane=LINK)
