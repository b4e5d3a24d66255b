"""Several sets of cards for one model: what each can do, and the cheapest that is enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from preflight.errors import UsageError
from preflight.layout import Layout
from preflight.plan.answer import Candidate, Plan
from preflight.plan.cost import Price
from preflight.plan.ranking import Choice, choose


@dataclass(frozen=True)
class Need:
    """What is enough: tokens a second for each request, while so many run at once."""

    decode_tok_s: float | None = None
    concurrency: int | None = None

    @property
    def is_asked(self) -> bool:
        return self.decode_tok_s is not None or self.concurrency is not None

    @property
    def words(self) -> str:
        asked = [f"{self.decode_tok_s:g} tok/s for each request"] if self.decode_tok_s else []
        asked += [f"{self.concurrency} requests at once"] if self.concurrency else []
        return " and ".join(asked)

    @property
    def batch(self) -> int:
        return self.concurrency or 1

    def is_met(self, one: Candidate) -> bool:
        speed = one.decode[self.batch]
        each = speed.tok_s / speed.batch
        return speed.batch >= self.batch and each >= (self.decode_tok_s or 0.0)


@dataclass(frozen=True)
class Option:
    """One set of cards: its plan, the layout to take, and whether that is enough."""

    name: str  # as it was asked for: "2x RTX 4090"
    plan: Plan
    choice: Choice
    is_enough: bool

    @property
    def best(self) -> Candidate | None:
        return self.choice.recommended

    @property
    def power_w(self) -> float | None:
        watts = [device.power_w for device in self.plan.devices]
        return None if None in watts else float(sum(w for w in watts if w is not None))

    @property
    def price(self) -> Price | None:
        return self.plan.price_per_hour


@dataclass(frozen=True)
class Comparison:
    options: tuple[Option, ...]
    need: Need
    recommended: Option | None
    why: str


def option(name: str, plan: Plan, need: Need, layout: Layout | None = None) -> Option:
    """With the best layout of those that are enough, or the best of all where none is.

    Of `layout` alone where one is given.
    """
    left = [one for one in plan.candidates if layout is None or one.layout.name == layout.name]
    enough = [one for one in left if one.fits and need.is_met(one)]
    chosen = choose(replace(plan, candidates=tuple(left)))
    if enough:
        return Option(name, plan, _of_enough(enough, plan, need, chosen), True)
    if need.is_asked and chosen.recommended is not None:
        chosen = Choice(chosen.recommended, f"{chosen.why}; not enough: {need.words}")
    return Option(name, plan, chosen, not need.is_asked and chosen.recommended is not None)


def _of_enough(enough: Sequence[Candidate], plan: Plan, need: Need, best: Choice) -> Choice:
    """The best of those that are enough, and why the best of all is not it."""
    taken = choose(replace(plan, candidates=tuple(enough)))
    if best.recommended is None or best.recommended is taken.recommended:
        return best
    name = best.recommended.layout.name
    return Choice(
        taken.recommended,
        f"{name}, else best for {plan.wish.aim}, is not enough: {need.words}; of those that"
        f" are, {taken.why}",
    )


def compare(options: Sequence[Option], need: Need) -> Comparison:
    """The cheapest of those that are enough; without prices the fewest watts, then the fastest.

    UsageError where their prices are in different currencies.
    """
    currencies = sorted({one.price.currency for one in options if one.price} - {""})
    if len(currencies) > 1:
        raise UsageError(f"prices in {' and '.join(currencies)} cannot be compared: give one")
    enough = [one for one in options if one.is_enough]
    if not enough:
        return Comparison(tuple(options), need, None, _why_none(options, need))
    best = min(enough, key=_order)
    return Comparison(tuple(options), need, best, _why(best, enough, need))


def _order(one: Option) -> tuple[bool, float, float]:
    cost = one.price.amount if one.price else one.power_w or 0.0
    assert one.best is not None
    fastest = max(speed.tok_s for speed in one.best.decode.values())
    return one.price is None, cost, -fastest


def _why(best: Option, enough: Sequence[Option], need: Need) -> str:
    assert best.best is not None
    speed = best.best.decode[need.batch]
    measure = f"at {best.price} an hour" if best.price else f"at {best.power_w or 0:.0f} W"
    many = "the only one that" if len(enough) == 1 else "the cheapest that"
    if not best.price and len(enough) > 1:
        many = "of those without a price the one with the least power that"
    each = speed.tok_s / speed.batch
    return (
        f"{best.name} as {best.best.layout.name} is {many} is enough, {measure}: "
        f"{each:.0f} tok/s for each of {need.batch} request{'s' if need.batch > 1 else ''}"
    )


def _why_none(options: Sequence[Option], need: Need) -> str:
    if not any(one.best for one in options):
        layout = options[0].plan.wish.layout
        return f"the model fits none of them{f' as {layout.name}' if layout else ''}"
    return f"none gives {need.words}"
