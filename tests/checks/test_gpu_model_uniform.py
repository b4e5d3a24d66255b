from __future__ import annotations

import pytest

from preflight.checks.gpu_model_uniform import Limits, check
from preflight.facts import GpuModel, Placement
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.layout import parse

RTX4090 = GpuModel("gpu0", "GeForce RTX 4090", "2684", 24564)


@pytest.mark.parametrize(
    "others, status",
    [
        ((), PASS),
        ((GpuModel("gpu1", "GeForce RTX 4090", "2684", 24564),), PASS),
        ((GpuModel("gpu1", "GeForce RTX 4090", None, None),), PASS),
        ((GpuModel("gpu1", "GeForce GT 1030", "1d01", 2048),), WARN),
        ((GpuModel("gpu1", "GeForce RTX 4090", "2685", 24564),), WARN),
        ((GpuModel("gpu1", "GeForce RTX 4090", "2684", 49140),), WARN),
    ],
)
def test_models(others: tuple[GpuModel, ...], status: Status) -> None:
    assert check(Limits(), gpu_models=(RTX4090, *others)).status is status


@pytest.mark.parametrize(
    "layout, groups, may_fit, status",
    [
        ("tp2", (), False, FAIL),
        ("tp2", (("gpu0", "gpu2"),), True, WARN),  # two of three are alike
        ("tp2", (), True, WARN),  # they would be if all were read
        ("pp2", (("gpu0",), ("gpu1",)), False, WARN),
        ("pp2", (), False, WARN),  # stages may differ
        ("split", (("gpu0",), ("gpu1",)), True, WARN),
    ],
)
def test_one_group_needs_alike_cards(
    layout: str, groups: tuple[tuple[str, ...], ...], may_fit: bool, status: Status
) -> None:
    models = (RTX4090, GpuModel("gpu1", "GeForce RTX 3090", "2204", 24576))
    found = Placement((), groups, may_fit, (), None)
    finding = check(Limits(), gpu_models=models, layout=parse(layout), placement=found)
    assert finding.status is status


def test_alike_cards_pass_whatever_is_asked() -> None:
    found = Placement((), (), False, (), None)
    finding = check(Limits(), gpu_models=(RTX4090,), layout=parse("tp2"), placement=found)
    assert finding.status is PASS


def test_the_message_counts_each_kind() -> None:
    display = GpuModel("gpu2", "GeForce GT 1030", None, 2048)
    finding = check(Limits(), gpu_models=(RTX4090, RTX4090, display))
    assert finding.message == (
        "different cards in one host: 2x GeForce RTX 4090 (24564 MiB, 10de:2684), "
        "1x GeForce GT 1030 (2048 MiB)"
    )


def test_the_layout_that_needs_alike_cards_is_named() -> None:
    models = (RTX4090, GpuModel("gpu1", "GeForce RTX 3090", "2204", 24576))
    found = Placement((), (), False, (), None)
    finding = check(Limits(), gpu_models=models, layout=parse("tp2"), placement=found)
    assert finding.message.endswith(
        "1x GeForce RTX 3090 (24576 MiB, 10de:2204); tp2 needs alike ones"
    )


def test_without_a_placement_nothing_is_refused() -> None:
    models = (RTX4090, GpuModel("gpu1", "GeForce RTX 3090", "2204", 24576))
    finding = check(Limits(), gpu_models=models, layout=parse("tp2"), placement=None)
    assert finding.status is WARN


def test_a_card_that_tells_nothing_is_told_by_its_name() -> None:
    bare = GpuModel("gpu0", "GeForce RTX 4090", None, None)
    assert check(Limits(), gpu_models=(bare,)).message == "one model of card: 1x GeForce RTX 4090"
