"""Which product a card's measured figures are nearest to, whatever it is called."""

from __future__ import annotations

from preflight.catalog import cards
from preflight.facts import Card, Fact, Missing, NotApplicable
from preflight.measured import ComputeRate, CudaDevice, Measured, NearestProduct

# Facts that decide it, in the order in which nearest_product takes them.
DECIDING = ("catalog", "cuda_device", "sm_ids", "tensor_rate", "memory_bandwidth")
# Chips of which tensor kernels give a lower bound only: tcgen05 is not written.
_LOWER_BOUND = frozenset({"10.0", "10.3"})
_TENSOR = "tensor_flop_per_clock_sm"
# A copy within memory reaches so much of the product's bandwidth: 0.89 on an H200 and an H100,
# 0.91 on an RTX 4090, 0.80 on an RTX 3090.
_COPY_PART = 0.89


def nearest_product(
    own: Fact[Card],
    device: Fact[CudaDevice],
    sm_ids: Fact[int],
    tensor: Fact[ComputeRate],
    memory: Fact[Measured],
) -> Fact[NearestProduct]:
    """By arithmetic of the whole card in a clock, and by its memory; neither moves with power.

    Only products of the same compute capability are asked: a kernel's rate depends on it.
    """
    for fact in (own, device, tensor, memory):
        if not isinstance(fact, (Card, CudaDevice, ComputeRate, Measured)):
            return fact
    assert isinstance(own, Card)
    assert isinstance(device, CudaDevice)
    assert isinstance(tensor, ComputeRate)
    assert isinstance(memory, Measured)
    count = sm_ids if isinstance(sm_ids, int) and sm_ids else device.sm_count
    flop = tensor.per_clock_sm.median * count
    if device.compute_capability in _LOWER_BOUND:
        return NotApplicable("the kernel does not use the chip's own instruction")
    alike = [card for card in cards() if card.compute_capability == device.compute_capability]
    if not alike:
        return Missing("not-present", f"no product with {device.compute_capability} is catalogued")
    ranked = [(_distance(card, flop, memory.median), card) for card in alike]
    # Of products that are equally near, the one that it says it is.
    distance, best = min(ranked, key=lambda one: (round(one[0], 4), one[1] != own))
    own_distance = _distance(own, flop, memory.median)
    return NearestProduct(best.name, distance, own_distance, flop, memory.median)


def _distance(card: Card, flop: float, memory_gb_s: float) -> float:
    expected = card.figures[_TENSOR].value * card.sm_count
    return max(
        _apart(flop, expected),
        _apart(memory_gb_s, _COPY_PART * card.memory_gb_s),
    )


def _apart(got: float, expected: float) -> float:
    return max(got, expected) / min(got, expected) - 1
