"""Facts in the light of what was asked: where the layout would go, one's own units left out."""

from __future__ import annotations

from dataclasses import replace

from preflight.catalog.vllm_versions import known_trouble
from preflight.facts import Facts, GpuPair, Placement, VllmPin
from preflight.layout import Layout, Server
from preflight.purpose import Purpose
from preflight.understand.own_units import without_own, without_own_ports
from preflight.understand.placement import placement, together


def asked(facts: Facts, purpose: Purpose, pin: VllmPin) -> Facts:
    """The same facts where nothing was asked."""
    if purpose.own_units and isinstance(facts.gpus, tuple):
        gpus = tuple(without_own(gpu, purpose.own_units) for gpu in facts.gpus)
        facts = replace(facts, gpus=gpus)
    if purpose.own_units:
        facts = replace(facts, host=without_own_ports(facts.host, purpose.own_units))
    return _placed(facts, purpose.layout, purpose.servers, pin) if purpose.layout else facts


def _placed(facts: Facts, layout: Layout, servers: tuple[Server, ...], pin: VllmPin) -> Facts:
    found = placement(facts, layout, servers)
    pairs = facts.pairs
    if isinstance(found, Placement) and found.groups:
        pairs = tuple(_pair(pair, found) for pair in pairs)
    host = replace(facts.host, layout=layout, placement=found, vllm_pin=_with_trouble(pin, facts))
    return replace(facts, host=host, pairs=pairs)


def _with_trouble(pin: VllmPin, facts: Facts) -> VllmPin:
    driver = facts.host.driver_version
    return replace(pin, known_trouble=known_trouble(driver)) if isinstance(driver, str) else pin


def _pair(pair: GpuPair, found: Placement) -> GpuPair:
    return replace(pair, in_one_group=together(pair.subject.split("-"), found.groups))
