"""Level measure: what runs after everything was read, and what becomes of it in the capture."""

from __future__ import annotations

from preflight.probe import measure_card
from preflight.probe.measured_cards import Cards
from preflight.probe.plan import OPENING_STALL_S, REST, Plan, Step
from preflight.probe.sources import SOURCES
from preflight.probe.steps import steps_of
from preflight.probe.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from preflight.probe.loop import Loop
    from preflight.probe.request import Request

AFTER = ("nvml", "sysfs-pci", "dmesg")  # read again when the cards have been under load


def measure(
    loop: Loop, request: Request, results: dict[str, dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[str]]:
    """The measurements, and the names of the sources that were read again."""
    reading, seen = loop.order, Cards(results)
    plan = Plan(seen, request)
    loop.order = plan
    driver = Step(
        "driver", measure_card.driver, ("cuda",), phase=REST, estimate_s=1, stall_s=OPENING_STALL_S
    )
    loop.run(plan.fit([driver]))
    made = plan.entries(loop.results)
    if not made:  # else nothing can be measured, and that entry says why
        cards = sorted({*seen.pcis, *loop.results[driver.name].get("cards", [])})
        steps = plan.fit(list(steps_of(cards, plan.usable(cards), seen, loop.tree, request)))
        tell_others(loop, plan, steps)
        watcher = Watch(cards, loop)
        loop.run([watcher.step, *steps])
        made = [*plan.entries(loop.results), *watcher.entries()]
    loop.order = reading
    again = [source.after() for source in SOURCES if source.name in AFTER]
    loop.run(again)
    return made, [source.name for source in again]


def tell_others(loop: Loop, plan: Plan, steps: list[Step]) -> None:
    """One line before the first load of a host that others use."""
    if not plan.cards.in_use:
        return
    loaded = {card for step in steps if step.phase != REST for card in step.cards}
    users = "; ".join(f"{card}: {words}" for card, words in sorted(plan.cards.in_use.items()))
    words = f"{len(loaded)} cards under load for about {plan.wall_s(steps):.0f} s"
    if not loaded:
        words = "no card is free to be measured"
    loop.progress("load", words=f"{words}; in use: {users}"[:200])
