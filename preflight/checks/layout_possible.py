"""The cards carry the layout that was asked for, and the model that was.

Why: tensor parallelism splits every layer evenly over cards that must be alike and must all answer;
  a pipeline needs a card for each stage, replicas and separate services one each. A layout that
  the cards forbid fails at start, or runs at the pace and in the memory of the least of them.
Fix: Deploy a layout that the cards carry, or put in what this one lacks.
Source: vLLM, Parallelism and Scaling: tensor_parallel_size x pipeline_parallel_size processes, one
  card each, evenly split.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from preflight.facts import Host, LayoutCard, ModelFit, Placement
from preflight.findings import FAIL, PASS, Finding, Status
from preflight.layout import Layout

ID = "layout-possible"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the cards carry it or they do not."""


def check(limits: Limits, *, layout: Layout, placement: Placement) -> Finding:
    fit = placement.model_fit
    if placement.groups and fit and fit.refusal:
        words = f"{fit.model} does not fit {layout.name}: {fit.refusal}"
        return Finding(FAIL, message=words, remedy=_other(fit), basis="inferred")
    if placement.groups:
        holds = f" for {fit.model}" if fit else ""
        words = f"{layout.name} on {_places(placement.groups)}{holds}{_peers(placement)}"
        return Finding(PASS, layout.name, message=words, basis="inferred")
    if placement.may_fit:
        unread = (f"{card.subject}: {why}" for card in placement.cards for why in card.unread)
        return Finding(Status.UNKNOWN, reason=f"not read: {'; '.join(unread)[:300]}")
    nearest = _nearest(placement)
    words = f"{layout.name} is not possible: {_reason(layout, placement)}; {nearest}"
    return Finding(FAIL, message=words, remedy=_remedy(layout, placement), basis="inferred")


def _other(fit: ModelFit) -> str:
    if fit.instead:
        return f"Deploy {fit.instead} instead; preflight plan has its settings."
    return "Take a smaller model or a quantised one, or more memory; preflight plan compares them."


def _places(groups: tuple[tuple[str, ...], ...]) -> str:
    return " then ".join(" and ".join(group) for group in groups)


def _peers(placement: Placement) -> str:
    """Peer access that is refused is no obstacle: it is slower."""
    return "; no peer access, NCCL goes through host memory" if placement.has_peers is False else ""


def _reason(layout: Layout, placement: Placement) -> str:
    """What is physically in the way, the plainest first."""
    if placement.refusal:
        return placement.refusal
    barred = [card for card in placement.cards if card.obstacles]
    usable = [card for card in placement.cards if not card.obstacles]
    told = [f"{card.label}: {', '.join(card.obstacles)}" for card in barred]
    needed = layout.cards_needed
    if barred and (len(usable) < needed or not layout.is_one_server):
        return f"{_needs(layout)}, and {len(usable)} can be used ({'; '.join(told)})"
    if len(usable) < needed:
        return f"{_needs(layout)}, and there {'is' if len(usable) == 1 else 'are'} {len(usable)}"
    return (
        f"each tensor-parallel group needs {layout.tensor_parallel_size} cards of one model, every "
        f"layer being split evenly, and there is {_kinds(usable)}"
    )


def _needs(layout: Layout) -> str:
    if not layout.is_one_server:
        return f"{layout.name} takes every card" if layout.cards_needed == 1 else "it needs 2 cards"
    return f"it needs {layout.cards_needed} card{'s' * (layout.cards_needed > 1)}"


def _kinds(cards: list[LayoutCard]) -> str:
    kinds = Counter(_model(card) for card in cards)
    return " and ".join(f"{count}x {model}" for model, count in kinds.items())


def _model(card: LayoutCard) -> str:
    if card.model is None:
        return "a card that does not tell its model"
    size = card.model.memory_total_mib
    return card.model.name + (f" ({size} MiB)" if size else "")


def _nearest(placement: Placement) -> str:
    if not placement.alternatives:
        return "no layout works as it is"
    return f"nearest that works: {' or '.join(placement.alternatives[:2])}"


def _remedy(layout: Layout, placement: Placement) -> str | None:
    if placement.alternatives:
        return f"Deploy {placement.alternatives[0]} instead, or put in what {layout.name} lacks."
    barred = ", ".join(card.subject for card in placement.cards if card.obstacles)
    return f"First put {barred} in order; see what else is found there." if barred else None
