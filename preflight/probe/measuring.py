"""Level measure: which steps there are, and what becomes of them in the capture.

First the cards at rest; then one card's link at a time, while another one's inside is measured;
then all together; then the counters again. Each step runs in a child of its own.
"""

from __future__ import annotations

from functools import partial

from preflight.probe import (
    measure_card,
    measure_compute,
    measure_copy,
    measure_host,
    measure_memory,
    measure_rest,
    measure_together,
)
from preflight.probe.measured_cards import Cards
from preflight.probe.plan import ALONE, REST, TOGETHER, Plan, Step
from preflight.probe.sources import SOURCES
from preflight.probe.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from preflight.probe.loop import Loop, Order
    from preflight.probe.main import Request
    from preflight.probe.tree import Tree

AFTER = ("nvml", "sysfs-pci", "dmesg")
REST_S = 5.0  # a guess: long enough to see a load that comes and goes
LINK, INSIDE = "link", "inside"  # lanes
# What steps take on an H100, s; used for the estimate and for --within alone.
CARD_S, COPIES_S, MEMORY_S, COMPUTE_S, TOGETHER_S, CPU_S, DISK_S = 2, 8, 4, 6, 4, 2, 3

HOST_COPIES = ("device-to-host", "host-to-device")
LINK_NAMES = (
    *HOST_COPIES,
    *(name + "-kernel" for name in HOST_COPIES),
    "copy-latency",
    "launch-latency",
)
MEMORY_NAMES = ("device-write", "device-read", "device-copy", "device-copy-engine")
COMPUTE_NAMES = (
    "fma-fp32",
    *(f"tensor-{kind}" for kind in measure_compute.TENSOR),
    "compute-correct",
)


def measure(
    loop: Loop, request: Request, results: dict[str, dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[str]]:
    """The measurements, and the names of the sources that were read again."""
    looked: Order = loop.order
    seen = Cards(results)
    driver = Step("driver", measure_card.driver, ("cuda",), phase=REST, estimate_s=1)
    plan = Plan(seen, request)
    loop.order = plan
    loop.run(plan.fit([driver]))
    listed = loop.results["driver"].get("cards", [])
    made = plan.entries(loop.results)
    if not made:  # else nothing can be measured, and that entry says why
        cards = sorted({*seen.pcis, *listed})
        steps = list(steps_of(cards, plan.usable(cards), loop.tree, request))
        watcher = Watch(cards, loop)
        loop.run([watcher.step, *plan.fit(steps)])
        made = [*plan.entries(loop.results), *watcher.entries()]
    loop.order = looked
    again = [source.after() for source in SOURCES if source.name in AFTER]
    loop.run(again)
    return made, [source.name for source in again]


def steps_of(cards: list[str], usable: list[str], tree: Tree, request: Request) -> Iterator[Step]:
    """`usable`: those that nobody else computes on."""
    window_s = min(REST_S, request.within / 10) if request.within else REST_S
    rest = partial(measure_rest.rest, cards, window_s)
    yield Step("rest", rest, ("rest",), phase=REST, estimate_s=window_s, each=cards)
    yield from (link for card in cards for link in link_steps(card, tree))
    # Begin with another card than the links do, so that both lanes are busy.
    yield from (step for card in cards[1:] + cards[:1] for step in inside_steps(card))
    yield from host_steps(tree, request)
    if len(usable) > 1:
        work = partial(measure_together.host_copies_together, tree, usable)
        names = [name + "-together" for name in HOST_COPIES]
        seconds = TOGETHER_S + len(usable)
        yield Step("together", work, names, phase=TOGETHER, estimate_s=seconds, rank=3, each=usable)


def link_steps(card: str, tree: Tree) -> Iterator[Step]:
    work = partial(measure_card.card, card)
    names = ("cuda", "sm-ids")
    yield Step(f"cuda {card}", work, names, phase=ALONE, estimate_s=CARD_S, pci=card, lane=LINK)
    copies = partial(measure_copy.host_copies, tree, card)
    yield Step(
        f"host-copies {card}",
        copies,
        LINK_NAMES,
        phase=ALONE,
        estimate_s=COPIES_S,
        rank=1,
        pci=card,
        lane=LINK,
    )


def inside_steps(card: str) -> Iterator[Step]:
    for name, work, names, seconds, rank in (
        ("device-memory", measure_memory.device_memory, MEMORY_NAMES, MEMORY_S, 1),
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
