"""Whether the model that was asked for fits a host's cards in the layout that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from preflight.facts import Facts, Missing, ModelFit, Placement
from preflight.layout import Layout
from preflight.plan import cards, lookup
from preflight.plan.answer import plan
from preflight.plan.ranking import nearest
from preflight.plan.usable import usable
from preflight.plan.wish import Wish
from preflight.render import plan_json


@dataclass(frozen=True)
class Fitted:
    """The facts with what was found; `layouts` as in a report, None where nothing was planned."""

    facts: Facts
    layouts: Sequence[Mapping[str, Any]] | None


def fit(facts: Facts, layout: Layout, model: str, vllm_version: str) -> Fitted:
    """UsageError for a model that is none, Unreachable where the hub does not answer."""
    found = lookup.find(model)
    working, _ = usable(facts)
    devices = cards.from_facts(working)
    placed = facts.host.placement
    if isinstance(devices, Missing) or not isinstance(placed, Placement):
        return Fitted(_unknown(facts, devices), None)
    if not devices:
        return Fitted(facts, None)
    made = plan(found, devices, Wish(vllm_version, layout=layout), working)
    asked = next(one for one in made.candidates if one.layout.name == layout.name)
    other = nearest(asked, made)
    told = ModelFit(
        model=found.name,
        refusal=asked.refusal.reason if asked.refusal else "",
        instead=other.layout.name if asked.refusal and other else "",
    )
    host = replace(facts.host, placement=replace(placed, model_fit=told))
    return Fitted(replace(facts, host=host), plan_json.layouts(made))


def _unknown(facts: Facts, devices: object) -> Facts:
    """Where the cards carry the layout and cannot be planned for, it is not known to fit."""
    placed = facts.host.placement
    if not isinstance(devices, Missing) or not isinstance(placed, Placement) or not placed.groups:
        return facts
    return replace(facts, host=replace(facts.host, placement=devices))
