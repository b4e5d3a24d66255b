"""Which layout to take for which aim, and the trade-off in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from preflight.plan.answer import BUSIER, Candidate, Plan
from preflight.plan.wish import Aim

_SAME = 0.03  # a guess: estimates nearer than that are alike, and fewer cards are then better


@dataclass(frozen=True)
class Choice:
    """`recommended` None: nothing fits; `why` says so, or what it is better and worse at."""

    recommended: Candidate | None
    why: str


def choose(plan: Plan) -> Choice:
    fitting = [one for one in plan.candidates if one.fits]
    if not fitting:
        return Choice(None, _why_nothing(plan))
    ranked = rank(fitting, plan)
    return Choice(ranked[0], _why(ranked, plan))


def rank(candidates: Sequence[Candidate], plan: Plan) -> list[Candidate]:
    """The best for the aim first; of those that are alike, the one on fewer cards."""
    score = _SCORES[plan.wish.aim](plan)
    left = sorted(candidates, key=score, reverse=True)
    ranked: list[Candidate] = []
    while left:
        best = score(left[0])
        alike = [one for one in left if score(one) >= best * (1 - _SAME)]
        ranked.append(min(alike, key=lambda one: (one.cards, _complexity(one))))
        left.remove(ranked[-1])
    return ranked


def nearest(refused: Candidate, plan: Plan) -> Candidate | None:
    """The layout that works on as many cards, else on the next number of them; best first."""
    ranked = rank([one for one in plan.candidates if one.fits], plan)
    wanted = refused.layout.cards_needed
    return min(ranked, key=lambda one: abs(one.layout.cards_needed - wanted), default=None)


def _throughput(plan: Plan) -> Callable[[Candidate], float]:
    """Of answers, with their prompts: replicas read those better than a group does."""
    return lambda one: one.served_tok_s(plan.wish)


def _latency(plan: Plan) -> Callable[[Candidate], float]:
    return lambda one: one.decode[1].tok_s


def _context(plan: Plan) -> Callable[[Candidate], float]:
    return lambda one: float(one.memory.max_model_len if one.memory else 0)


def _cost(plan: Plan) -> Callable[[Candidate], float]:
    """Without a price, or for none, what each card yields."""

    def score(one: Candidate) -> float:
        if one.served_cost_per_mtok and one.served_cost_per_mtok.amount:
            return 1 / one.served_cost_per_mtok.amount
        return one.served_tok_s(plan.wish) / max(one.cards, 1)

    return score


_SCORES: dict[Aim, Callable[[Plan], Callable[[Candidate], float]]] = {
    "throughput": _throughput,
    "latency": _latency,
    "context": _context,
    "cost": _cost,
}


def _complexity(one: Candidate) -> int:
    """Fewer ranks that wait for each other; one server before several."""
    layout = one.layout
    return 2 * layout.cards_needed + (not layout.is_one_server)


def _why(ranked: Sequence[Candidate], plan: Plan) -> str:
    best, many = ranked[0], plan.wish.concurrency
    assert best.memory is not None
    words = (
        f"{best.layout.name} is best for {plan.wish.aim} with {many} requests at once: it serves "
        f"{best.served_tok_s(plan.wish):.0f} tok/s, the time for their prompts counted, writes "
        f"{best.decode[1].tok_s:.0f} for one alone, and takes {best.memory.max_model_len} tokens a "
        "request at most"
    )
    others = [one for one in ranked[1:] if one.layout.name != "split" and one.memory]
    for other in others:
        trade = _better(other, best, plan)
        if trade:
            words += f"; {other.layout.name} would give {trade}{_slower(other, best, plan)}"
            break
    return words + _busier(ranked, plan)


def _busier(ranked: Sequence[Candidate], plan: Plan) -> str:
    """Where another layout is better once more requests come, which not everybody foresees."""
    best, other = ranked[0], max(ranked, key=lambda one: one.busier_tok_s)
    if plan.wish.aim != "throughput" or other.busier_tok_s <= best.busier_tok_s * (1 + _SAME):
        return ""
    return (
        f"; with {BUSIER * plan.wish.concurrency} at once {other.layout.name} is better: "
        f"{other.busier_tok_s:.0f} tok/s instead of {best.busier_tok_s:.0f}"
    )


def _slower(other: Candidate, best: Candidate, plan: Plan) -> str:
    """Why it is not the best although more tokens a second stand in its row of the table."""
    many = plan.wish.concurrency
    if plan.wish.aim != "throughput" or other.prefill is None or best.prefill is None:
        return ""
    if other.decode[many].tok_s <= best.decode[many].tok_s * (1 + _SAME):
        return ""
    return (
        f"; it writes faster, {other.decode[many].tok_s:.0f} tok/s at {many}, and reads prompts"
        f" slower, {other.prefill.tok_s:.0f} tok/s instead of {best.prefill.tok_s:.0f}, so that it"
        f" serves {other.served_tok_s(plan.wish):.0f}"
    )


def _better(other: Candidate, best: Candidate, plan: Plan) -> str:
    """What the other one has more of."""
    assert other.memory is not None
    assert best.memory is not None
    better = []
    if other.decode[1].tok_s > best.decode[1].tok_s * (1 + _SAME):
        better.append(f"{other.decode[1].tok_s:.0f} tok/s at one request")
    if other.memory.max_model_len > best.memory.max_model_len:
        better.append(f"{other.memory.max_model_len} tokens a request")
    served, here = other.served_tok_s(plan.wish), best.served_tok_s(plan.wish)
    if served > here * (1 + _SAME):
        better.append(f"{served:.0f} tok/s served at {plan.wish.concurrency}")
    return " and ".join(better)


def _why_nothing(plan: Plan) -> str:
    refused = [one for one in plan.candidates if one.refusal and one.fullest]
    if not refused:
        told = [one.refusal.reason for one in plan.candidates if one.refusal]
        return f"nothing fits: {told[0]}" if told else "nothing fits"
    best = max(refused, key=lambda one: one.fullest.kv_cache_gib if one.fullest else 0.0)
    assert best.refusal is not None
    return f"nothing fits; nearest is {best.layout.name}: {best.refusal.reason}"
