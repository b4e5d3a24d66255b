"""A plan as rows of text, for whatever shows it: a terminal, a ticket, a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from preflight.capture import plain
from preflight.plan.answer import Candidate, Plan
from preflight.plan.comparison import Comparison, Option
from preflight.plan.ranking import nearest, rank
from preflight.plan.shapes import Device, RankMemory
from preflight.plan.throughput import Speed


@dataclass(frozen=True)
class Bar:
    """One card's memory in parts, each a share of all of it; what is left is not taken."""

    card_gib: float
    weights: float
    working: float  # activations, context, graphs
    cache: float


@dataclass(frozen=True)
class Row:
    """One layout; of one that does not fit only `layout` and `refusal` have words."""

    layout: str
    bar: Bar | None
    cells: tuple[str, ...]  # as HEADINGS
    refusal: str = ""
    is_recommended: bool = False


def headings(plan: Plan) -> tuple[str, ...]:
    speeds = [f"{batch} req" for batch in plan.wish.batches]
    cost = ["per Mtok"] if plan.price_per_hour else []
    return ("KV cache", "longest", *speeds, "prefill", "served", *cost)


def rows(plan: Plan, recommended: Candidate | None) -> list[Row]:
    """Those that fit in the order of the aim, then the others in their own."""
    fitting = rank([one for one in plan.candidates if one.fits], plan)
    refused = [one for one in plan.candidates if not one.fits]
    told = [_fitting(one, plan, one is recommended) for one in fitting]
    return told + [Row(one.layout.name, None, (), refusal(one, plan)) for one in refused]


def compared(comparison: Comparison) -> list[list[str]]:
    """One line a set of cards, under a line of headings."""
    has_price = any(one.price for one in comparison.options)
    names = ["cards", "layout", "KV cache", f"tok/s, {comparison.need.batch} req"]
    names += [f"served at {comparison.options[0].plan.wish.concurrency}", "power"]
    names += ["per hour", "per Mtok"] if has_price else []
    return [names, *(_option(one, comparison.need.batch, has_price) for one in comparison.options)]


def _option(one: Option, batch: int, has_price: bool) -> list[str]:
    best, power = one.best, f"{one.power_w:.0f} W" if one.power_w else ""
    price = [str(one.price) if one.price else ""] if has_price else []
    if best is None or best.memory is None:
        return [one.name, "none fits", "", "", "", power, *price, *([""] if has_price else [])]
    each = best.served_cost_per_mtok
    return [
        one.name,
        best.layout.name + ("" if one.is_enough else " (not enough)"),
        tokens(best.memory.kv_cache_tokens),
        rate(best.decode[batch]),
        tokens(best.served_tok_s(one.plan.wish)),
        power,
        *price,
        *([str(each) if each else ""] if has_price else []),
    ]


def refusal(one: Candidate, plan: Plan) -> str:
    """Why not, and what works instead."""
    if one.refusal is None:
        return ""
    other = nearest(one, plan)
    instead = one.refusal.instead or (f"{other.layout.name} works" if other else "")
    return plain(f"{one.refusal.reason}{'; ' + instead if instead else ''}")


def bar(rank: RankMemory, card: Device) -> Bar:
    total = max(card.memory_gib, rank.total_gib, 0.01)
    working = rank.activation_gib + rank.context_gib + rank.graphs_gib
    return Bar(
        card_gib=card.memory_gib,
        weights=rank.weights_gib / total,
        working=working / total,
        cache=max(rank.kv_cache_gib, 0.0) / total,
    )


def card_of(one: Candidate, rank: RankMemory) -> Device:
    return next(c for cards in one.servers for c in cards if c.subject == rank.subject)


def cards_words(devices: Sequence[Device]) -> str:
    """ "2x GeForce RTX 4090 + GeForce RTX 3090"."""
    counts: dict[str, int] = {}
    for device in devices:
        counts[device.name] = counts.get(device.name, 0) + 1
    told = [f"{count}x {name}" if count > 1 else name for name, count in counts.items()]
    return plain(" + ".join(told))


def tokens(count: float) -> str:
    return f"{count:,.0f}"


def rate(speed: Speed) -> str:
    return f"{speed.tok_s:,.0f}"


def span(speed: Speed) -> str:
    return f"{speed.low:,.0f}-{speed.high:,.0f}"


def _fitting(one: Candidate, plan: Plan, is_recommended: bool) -> Row:
    held, fullest = one.memory, one.fullest
    assert held is not None
    assert one.prefill is not None
    cost = [str(one.served_cost_per_mtok)] if one.served_cost_per_mtok else []
    return Row(
        layout=one.layout.name,
        bar=bar(fullest, card_of(one, fullest)) if fullest else None,
        cells=(
            tokens(held.kv_cache_tokens),
            tokens(held.max_model_len),
            *(rate(one.decode[batch]) for batch in plan.wish.batches),
            rate(one.prefill),
            tokens(one.served_tok_s(plan.wish)),
            *cost,
        ),
        is_recommended=is_recommended,
    )
