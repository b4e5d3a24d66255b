"""Figures above what the hardware can do are not understood."""

from __future__ import annotations

import msgspec
import pytest

from preflight.facts import Missing
from tests.understand.test_measured import CUDA, ONE, copied, entry, first

HOPPER = entry("cuda", pci=ONE, values=CUDA)
LINKS = {"links": [{"gen": 5, "width": 16}]}


@pytest.mark.parametrize("name", ["fma-fp32", "tensor-bf16", "tensor-fp16"])
@pytest.mark.parametrize("factor, is_known", [(1.0, True), (1.04, True), (1.06, False)])
def test_arithmetic_of_the_best_product_with_its_capability(
    name: str, factor: float, is_known: bool
) -> None:
    stock = 256 if name == "fma-fp32" else 4096
    told = entry(name, pci=ONE, unit="flop/clock/SM", samples=[stock * factor])
    got = getattr(first(HOPPER, told), name.replace("-", "_"))
    assert isinstance(got, Missing) is not is_known


def test_without_a_capability_the_product_bounds_it() -> None:
    told = entry("tensor-bf16", pci=ONE, unit="flop/clock/SM", samples=[1e9])
    found = first(told)  # an H200 by its device id, or of no known product
    assert isinstance(found.tensor_bf16, Missing) or isinstance(found.catalog, Missing)
    assert isinstance(first(HOPPER, told).tensor_rate, Missing)


@pytest.mark.parametrize("name", ["host-to-device", "device-to-host", "host-to-device-together"])
@pytest.mark.parametrize("got, is_known", [(57.0, True), (64.2, True), (64.4, False), (5e3, False)])
def test_copies_of_a_link_that_carries_63(name: str, got: float, is_known: bool) -> None:
    seen = copied("device-to-host", ONE, 55.0, values=LINKS)
    told = copied(name, ONE, got, values=LINKS)
    entries = [told] if name == "device-to-host" else [seen, told]
    found = getattr(first(*entries), name.replace("-", "_"))
    assert isinstance(found, Missing) is not is_known
    if isinstance(found, Missing):
        assert found.reason == "not-parsed"
        assert "more than the 64.2" in found.detail


def test_the_better_half_may_not_be_impossible_either() -> None:
    told = copied("host-to-device", ONE, 40.0, 41.0, 42.0, 9e3, 9e3, values=LINKS)
    assert isinstance(first(told).host_to_device, Missing)


@pytest.mark.parametrize("got, is_known", [(4274.0, True), (5e3, True), (1e9, False)])
def test_memory_of_the_fastest_product_with_its_capability(got: float, is_known: bool) -> None:
    found = first(HOPPER, copied("device-copy", ONE, got))
    assert isinstance(found.memory_bandwidth, Missing) is not is_known
    other = msgspec.structs.replace(HOPPER, values=CUDA | {"compute_capability": [8, 9]})
    assert isinstance(first(other, copied("device-copy", ONE, 4274.0)).memory_bandwidth, Missing)
