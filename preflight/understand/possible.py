"""What the hardware cannot do, nobody measured: figures above its limits are not understood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.catalog import cards
from preflight.facts import Card, Fact, Missing
from preflight.measured import ComputeRate, CudaDevice, Measured

# Room for memory that somebody clocked higher, and for a clock that was read late: guesses. Seen
# were at most 1.00 of each.
_ABOVE_RATE, _ABOVE_MEMORY, _ABOVE_LINK = 1.05, 1.05, 1.02
_LINK = ("host_to_device", "device_to_host")
_RATES = {
    "fma_fp32": "fp32_flop_per_clock_sm",
    "tensor_bf16": "tensor_flop_per_clock_sm",
    "tensor_fp16": "tensor_flop_per_clock_sm",
    "tensor_rate": "tensor_flop_per_clock_sm",
}
_MEMORY = (
    "memory_bandwidth",
    "device_copy",
    "device_copy_by_engine",
    "device_read",
    "device_write",
)


def possible(
    facts: Mapping[str, Fact[Any]], own: Fact[Card], raw_gb_s: Fact[float]
) -> dict[str, Fact[Any]]:
    """The same facts, Missing where a figure is above what the card or its link can reach."""
    most = _most(facts, own, raw_gb_s)
    return {name: within(fact, most.get(name)) for name, fact in facts.items()}


def carried(fact: Fact[Any], raw_gb_s: Fact[float], ways: int = 1) -> Fact[Any]:
    """The same copy, Missing where it is faster than what carries it, both ways at once for 2."""
    return within(fact, _ABOVE_LINK * ways * raw_gb_s if isinstance(raw_gb_s, float) else None)


def _most(
    facts: Mapping[str, Fact[Any]], own: Fact[Card], raw_gb_s: Fact[float]
) -> dict[str, float]:
    """By fact: of the link, and of the best product with the same compute capability."""
    most: dict[str, float] = {}
    if isinstance(raw_gb_s, float):
        links = [name for name in facts if name.startswith(_LINK)]
        most |= dict.fromkeys(links, _ABOVE_LINK * raw_gb_s)
    alike = _alike(facts["cuda_device"], own)
    if alike:
        most |= dict.fromkeys(_MEMORY, _ABOVE_MEMORY * max(card.memory_gb_s for card in alike))
    for name, figure in _RATES.items():
        known = [card.figures[figure].value for card in alike if figure in card.figures]
        if known:
            most[name] = _ABOVE_RATE * max(known)
    return most


def _alike(device: Fact[CudaDevice], own: Fact[Card]) -> list[Card]:
    """Products of its compute capability; by the catalogue where the card itself told none."""
    told = device if isinstance(device, CudaDevice) else own
    if not isinstance(told, (Card, CudaDevice)):
        return []
    return [card for card in cards() if card.compute_capability == told.compute_capability]


def within(fact: Fact[Any], most: float | None) -> Fact[Any]:
    figure = fact.per_clock_sm if isinstance(fact, ComputeRate) else fact
    if most is None or not isinstance(figure, Measured):
        return fact
    if max(figure.median, figure.better) <= most:
        return fact
    got = f"{figure.median:,.6g} {figure.unit}"
    return Missing("not-parsed", f"{got}, more than the {most:,.6g} that the hardware can do")
