"""Figures above what the hardware can do are not understood."""

from __future__ import annotations

import msgspec
import pytest

from preflight.facts import Missing, PeerPath
from preflight.measured import CudaDevice, Rest
from tests.understand.build import ADDRESSES, command
from tests.understand.test_measured import CUDA, ONE, copied, entry, facts, first

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


BY_BRIDGE = "\tGPU0\tGPU1\nGPU0\t X \tPHB\nGPU1\tPHB\t X \n"


def between_two(name: str, got: float, smi_topo: str) -> PeerPath:
    """Cards on links that carry 63 GB/s one way, as both were seen while they copied."""
    links = [copied("device-to-host", pci, 55.0, values=LINKS) for pci in ADDRESSES]
    told = entry(name, of=ONE, to=ADDRESSES[1], unit="GB/s", samples=[got])
    return facts(*links, told, smi_topo=command(smi_topo)).peer_paths[0]


@pytest.mark.parametrize("name, fact, most", [
    ("staged-copy", "staged_copy", 64.0),
    ("peer-copy", "peer_copy", 64.0),
    ("peer-copy-both", "peer_copy_both", 128.0),
])  # fmt: skip
def test_copies_between_cards_faster_than_their_links(name: str, fact: str, most: float) -> None:
    for got, is_known in ((most, True), (1.05 * most, False), (1e6, False)):
        found = getattr(between_two(name, got, BY_BRIDGE), fact)
        assert isinstance(found, Missing) is not is_known, got


@pytest.mark.parametrize(
    "told, kept",
    [
        ({"total_bytes": 1 << 34, "free_bytes": 1 << 33}, 1 << 13),
        ({"total_bytes": 1 << 34, "free_bytes": 1 << 35}, None),
        ({"total_bytes": 0, "free_bytes": 0}, None),
    ],
)
def test_more_free_memory_than_there_is_was_not_read(
    told: dict[str, int], kept: int | None
) -> None:
    device = first(entry("cuda", pci=ONE, values=CUDA | told)).cuda_device
    assert isinstance(device, CudaDevice)
    assert device.free_mib == kept


def test_a_capability_below_zero_was_not_read() -> None:
    values = CUDA | {"compute_capability": [-1, 9]}
    assert isinstance(first(entry("cuda", pci=ONE, values=values)).cuda_device, Missing)


def test_a_draw_below_zero_and_a_load_above_all_were_not_read() -> None:
    values = {"temperature_c": [40], "power_w": [-1, 30], "utilization_percent": [0, 1 << 40]}
    rest = first(entry("rest", pci=ONE, values=values)).rest
    assert isinstance(rest, Rest)
    assert (rest.power_w, rest.utilization_percent) == (30, 0)
