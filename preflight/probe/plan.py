"""The order of measuring: phases, lanes, what time allows, and the entries of what was not made."""

from __future__ import annotations

import time

from preflight.probe.loop import Order
from preflight.probe.sources import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from preflight.probe.loop import Loop
    from preflight.probe.measured_cards import Cards
    from preflight.probe.record import Record
    from preflight.probe.request import Request

STALL_S = 20.0  # a measurement that says nothing for so long hangs
# Without a persistence daemon the driver sets up each card anew, some seconds for each of eight.
OPENING_STALL_S = 60.0
DEFECT = 70  # exit status of a child that raised: ours, and no fault of the card
OUT_OF_MEMORY = -9  # the kernel's way to end what the host has no memory for
# No step begins before all of an earlier phase have ended.
REST, OPENING, ALONE, TOGETHER, PEERS, COLLECTIVE = range(6)


class Step(Source):
    """One child's work: `work(record)`, which makes the measurements `names`.

    They are of the card `pci`, of each of `each`, or of each of `of` ({"from", "to"}, {"cards"}).
    `once`: made of the first of `of` alone.
    `estimate_s`: how long it takes where nothing is wrong. `rank`: the highest are dropped first
    where time is short. `watch`: it runs beside all others, until they have ended.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Record], None],
        names: Sequence[str],
        *,
        phase: int,
        estimate_s: float,
        rank: int = 0,
        pci: str = "",
        each: Sequence[str] = (),
        of: Sequence[dict[str, Any]] = (),
        once: Sequence[str] = (),
        lane: str = "",
        timeout_s: float = 90.0,
        stall_s: float = STALL_S,
        watch: bool = False,
    ) -> None:
        super().__init__(
            name,
            reader="measure",
            level="measure",
            timeout_s=timeout_s,
            stall_s=stall_s,
            lane=lane,
            max_bytes=8 << 20,
        )
        self.does = work
        self.names = names
        self.phase = phase
        self.estimate_s = estimate_s
        self.rank = rank
        self.is_watch = watch
        self.subjects = of_what(pci, each, of)
        self.once = once
        self.cards = {card for subject in self.subjects for card in cards_in(subject)}

    def work(self, record: Record) -> None:
        self.does(record)

    def makes(self) -> list[dict[str, Any]]:
        """Names and subjects of all its measurements."""
        first = [{"name": name, **self.subjects[0]} for name in self.once]
        return [{"name": name, **of} for name in self.names for of in self.subjects] + first


def of_what(pci: str, each: Sequence[str], of: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What entries say that they are of; an empty one is of the host."""
    if pci or each:
        return [{"pci": card} for card in each or (pci,)]
    return list(of) or [{}]


def cards_in(subject: dict[str, Any]) -> set[str]:
    named = {subject[key] for key in ("pci", "from", "to") if key in subject}
    return named | set(subject.get("cards", ()))


class Plan(Order):
    """The steps that are made, and why others are not."""

    def __init__(self, cards: Cards, request: Request) -> None:
        self.cards = cards
        self.request = request
        self.started = time.monotonic()
        self.steps: list[Step] = []
        self.dropped: dict[str, str] = {}  # step -> why
        self.out: dict[str, str] = {}  # card -> why nothing more is done with it
        self.apart: dict[frozenset[str], str] = {}  # cards -> why nothing is done with all of them
        self.done: set[str] = set()

    # which

    def usable(self, cards: Sequence[str]) -> list[str]:
        return [card for card in cards if not self.barred(card)]

    def barred(self, card: str) -> tuple[str, str] | None:
        """Status and detail of what is not measured on this card."""
        if card in self.cards.with_mig:
            return "not-supported", "MIG is on"
        if card in self.cards.in_use and not self.request.while_in_use:
            return "in-use", self.cards.in_use[card]
        return None

    def fit(self, steps: Sequence[Step]) -> list[Step]:
        """Those that there is time for; the others are dropped, those of the highest rank first."""
        self.steps += steps
        chosen = [step for step in steps if step.name == "rest" or not self.bars(step)]
        within = self.request.within
        while within and self.wall_s(chosen) > self.left_s() and chosen:
            worst = max(chosen, key=lambda step: step.rank)
            chosen.remove(worst)
            self.dropped[worst.name] = f"left out to end within {within:g} s"
        return chosen

    def bars(self, step: Step) -> bool:
        return any(map(self.barred, step.cards))

    def wall_s(self, steps: Sequence[Step]) -> float:
        """How long they take: in a phase the lanes run side by side, and what needs no lane too."""
        total: dict[tuple[int, str], float] = {}
        for step in steps:
            key = step.phase, step.lane
            at_once = (
                max(1, len(self.cards.pcis) // 2) if step.phase == PEERS and not step.lane else 1
            )
            total[key] = total.get(key, 0.0) + step.estimate_s / at_once
        phases = {phase for phase, _ in total}
        return sum(max(s for (p, _), s in total.items() if p == phase) for phase in phases)

    def left_s(self) -> float:
        return self.started + self.request.within - time.monotonic()

    # when

    def refusal(self, source: Source) -> str:
        if not isinstance(source, Step):
            return ""
        if self.request.within and self.left_s() <= 0:
            return f"left out to end within {self.request.within:g} s"
        words = [self.out[card] for card in sorted(source.cards) if card in self.out]
        words += [why for cards, why in self.apart.items() if cards <= source.cards]
        return words[0] if words else ""

    def is_ready(self, source: Source, loop: Loop) -> bool:
        if not isinstance(source, Step) or source.is_watch:
            return True
        running = [job.source for job in loop.running.values() if isinstance(job.source, Step)]
        busy = [step for step in running if not step.is_watch]
        if any(step.phase < source.phase for step in (*busy, *self.waiting(loop))):
            return False
        return not any(
            (step.lane and step.lane == source.lane) or step.cards & source.cards for step in busy
        )

    def waiting(self, loop: Loop) -> list[Step]:
        return [step for step in loop.pending if isinstance(step, Step) and not step.is_watch]

    def begun(self, source: Source, loop: Loop) -> None:
        if isinstance(source, Step) and not source.is_watch:
            loop.progress(
                "step",
                name=source.name.partition(" ")[0],
                card=source.subjects[0].get("pci", "") if len(source.subjects) == 1 else "",
                done=len(self.done),
                of=len(self.steps) - len(self.dropped),
                left_s=round(self.wall_s([*self.waiting(loop), source])),
            )

    def ended(self, source: Source, result: dict[str, Any], loop: Loop) -> None:
        self.done.add(source.name)
        if isinstance(source, Step) and not source.is_watch:
            self.note_end(source, result)

    def note_end(self, step: Step, result: dict[str, Any]) -> None:
        """A card that hung, or cannot be opened, is left alone from now on.

        Of several in one step nobody knows which one it was: they are kept apart.
        """
        given = result.get("measurements", {}).values()
        hung = [entry["name"] for entry in given if entry["status"] == "timed-out"]
        if result["status"] == "timed-out":
            hung = [result.get("at", "")]
        if hung:
            words = f"hung in {hung[0]}"
        elif step.phase == OPENING and any(entry["status"] == "failed" for entry in given):
            words = "cannot be used"
        else:
            return
        if len(step.cards) == 1:
            for card in step.cards:
                self.out.setdefault(card, f"not made: {card} {words}")
        elif step.phase != REST and step.cards:
            together = " and ".join(sorted(step.cards)) if len(step.cards) == 2 else "all cards"
            self.apart.setdefault(frozenset(step.cards), f"not made: {together} {words}")

    # what is said of them

    def entries(self, results: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """All measurements of all steps, those not made too."""
        made = []
        for step in self.steps:
            result = results.get(step.name, {})
            given = result.get("measurements", {})
            entries = [given[key] for key in sorted(given, key=int)]
            made += entries
            if result.get("status") != "ok" or "refused" in result:
                made += self.missing(step, result, entries)
        return made

    def missing(
        self, step: Step, result: dict[str, Any], entries: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        found = {(entry["name"], *subject_of(entry)) for entry in entries}
        hung = result.get("at", "")
        lacking = [
            entry for entry in step.makes() if (entry["name"], *subject_of(entry)) not in found
        ]
        lacking.sort(key=lambda entry: entry["name"] != hung)  # that one, before the others
        for place, entry in enumerate(lacking):
            entry.update(self.reason(step, result, entry, is_first=place == 0))
        return lacking

    def reason(
        self, step: Step, result: dict[str, Any], entry: dict[str, Any], *, is_first: bool
    ) -> dict[str, str]:
        """Status and detail of a measurement that was not made."""
        bars = [bar for card in sorted(cards_in(entry)) for bar in [self.barred(card)] if bar]
        if bars and not result:
            return {"status": bars[0][0], "detail": bars[0][1]}
        if step.name in self.dropped:
            return {"status": "skipped", "detail": self.dropped[step.name]}
        if "refused" in result:
            refused: dict[str, str] = result["refused"]
            is_all = is_first or refused["status"] != "failed"
            return refused if is_all else {**refused, "status": "skipped"}
        status, detail = result.get("status", "skipped"), result.get("detail", "not begun")
        if status == "timed-out":
            hung = result.get("at", "")
            if is_first:
                return {"status": status, "detail": f"no answer in {hung}"}
            return {"status": "skipped", "detail": f"not made: {hung} hung"}
        is_ours = result.get("code") in (DEFECT, OUT_OF_MEMORY)
        failed = "failed" if is_first and status == "tool-failed" and not is_ours else "skipped"
        return {"status": failed, "detail": detail}


def subject_of(entry: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(str(entry.get(key, "")) for key in ("pci", "from", "to"))
