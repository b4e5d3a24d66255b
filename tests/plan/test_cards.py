"""Cards as people name them, and as a report tells of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from preflight.catalog import cards as catalogue
from preflight.errors import UsageError
from preflight.facts import Facts, Gpu, GpuUse, Host, Missing
from preflight.measured import ComputeRate, CudaDevice, Measured
from preflight.plan import cards
from preflight.plan.card_names import named

_NAMES = {card.name: card for card in catalogue()}
_4090 = _NAMES["GeForce RTX 4090"]


@pytest.mark.parametrize(
    ("text", "name", "memory_gib"),
    [
        ("RTX 4090", "GeForce RTX 4090", 23.5),
        ("4090", "GeForce RTX 4090", 23.5),
        ("NVIDIA GeForce RTX 4090", "GeForce RTX 4090", 23.5),
        ("rtx4090", "GeForce RTX 4090", 23.5),
        ("RTX 4090 D", "GeForce RTX 4090 D", 23.5),
        ("RTX 4090 48GB", "GeForce RTX 4090", 47.4),
        ("RTX 5060 Ti 8GB", "GeForce RTX 5060 Ti", 7.5),
        ("RTX 5060 Ti 16 GB", "GeForce RTX 5060 Ti", 15.5),
        ("RTX 3050", "GeForce RTX 3050", 7.6),
        ("h100", "H100 80GB HBM3", 79.2),
        ("H100 SXM 80GB", "H100 80GB HBM3", 79.2),
        ("H100 PCIe", "H100 PCIe", 79.2),
        ("H200 SXM 141GB", "H200", 139.8),
        ("A100 40GB", "A100-SXM4-40GB", 39.4),
        ("A100 80GB PCIe", "A100 80GB PCIe", 79.2),
        ("6000 Pro", "RTX PRO 6000 Blackwell Workstation Edition", 94.97),
        ("RTX PRO 6000 Blackwell Server", "RTX PRO 6000 Blackwell Server Edition", 94.97),
        ("RTX 6000 Ada", "RTX 6000 Ada Generation", 47.4),
        ("T4", "Tesla T4", 14.6),
        ("V100 32GB", "Tesla V100-SXM2-32GB", 31.7),
    ],
)
def test_a_card_by_its_name(text: str, name: str, memory_gib: float) -> None:
    (device,) = cards.parse(text)
    assert device.name == name
    assert device.memory_gib == pytest.approx(memory_gib, abs=0.1)
    assert device.memory_used_gib == 0
    assert device.basis["memory_gb_s"] == "catalog"


@pytest.mark.parametrize("name", _NAMES)
def test_every_card_of_the_catalogue_is_called_by_its_own_name(name: str) -> None:
    card, memory_mib = named(name)
    assert (card.name, memory_mib) == (name, _NAMES[name].memory_mib)
    assert cards.parse(name)[0].memory_gb_s > 0


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("2x RTX 4090", ["GeForce RTX 4090"] * 2),
        ("2 × 4090", ["GeForce RTX 4090"] * 2),
        ("8*h200", ["H200"] * 8),
        ("RTX 4090 + RTX 3090", ["GeForce RTX 4090", "GeForce RTX 3090"]),
        ("2x L40S, T4", ["L40S", "L40S", "Tesla T4"]),
    ],
)
def test_several_cards(text: str, names: list[str]) -> None:
    devices = cards.parse(text)
    assert [device.name for device in devices] == names
    assert [device.subject for device in devices] == [f"gpu{n}" for n in range(len(names))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no cards"),
        ("2x", "no card of the catalogue"),
        ("0x RTX 4090", "1 to 16 cards"),
        ("17x RTX 4090", "1 to 16 cards"),
        ("9x RTX 4090, 9x RTX 3090", "1 to 16 cards"),
        ("RTX 4090,,", "no cards"),
        ("RTX 4090 96GB", "no card of the catalogue"),
        ("Radeon 9070", "no card of the catalogue"),
        ("RTX", "no card of the catalogue"),
        ("A5", "no card of the catalogue"),
        ("6000", "several cards"),
        ("\x1b[2J", "no card"),
    ],
)
def test_no_cards(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        cards.parse(text)
    assert "\x1b" not in str(caught.value)


def test_a_near_miss_names_what_is_near() -> None:
    with pytest.raises(UsageError) as caught:
        cards.parse("RTX 4900")
    assert "GeForce RTX 4090" in caught.value.hint


def test_what_was_measured_beats_the_catalogue() -> None:
    gpu = replace(
        _gpu(),
        cuda_device=CudaDevice("x", 128, "8.9", total_mib=24_100, free_mib=23_000),
        host_to_device=_measured(25.1),
        device_read=_measured(940.0),
        tensor_bf16=ComputeRate(_measured(512), _measured(160.0), None, "mma", ()),
        power_limit_w=300.0,
        memory_bandwidth_gb_s=1001.0,
    )
    device = _only(gpu)
    assert device.memory_gib == pytest.approx(24_100 / 1024)
    assert device.memory_gb_s == 1001.0
    assert device.measured_read_gb_s == 940.0
    assert device.measured_tflops == {"bf16": 160.0}
    assert device.pcie_gb_s == 25.1
    assert device.power_w == 300.0
    assert device.basis["memory_gib"] == "measured"
    assert device.basis["memory_gb_s"] == "reported"


def test_without_a_measurement_the_catalogue_tells_what_a_program_sees() -> None:
    device = _only(replace(_gpu(), memory_total_mib=24_564))
    assert device.memory_gib == 23.5
    assert device.basis["memory_gib"] == "catalog"
    assert device.measured_read_gb_s is None


def test_a_board_with_more_memory_than_its_product() -> None:
    device = _only(replace(_gpu(), memory_total_mib=49_140))
    assert device.memory_gib == pytest.approx(47.4, abs=0.1)
    assert device.basis["memory_gib"] == "reported"


def test_what_others_hold_is_not_ours() -> None:
    used = GpuUse(processes=(), memory_used_mib=2048, utilization_percent=0)
    assert _only(replace(_gpu(), use=used)).memory_used_gib == 2.0


def test_a_card_of_which_nothing_is_known_cannot_be_planned_for() -> None:
    found = cards.from_facts(Facts(Host(), (Gpu("gpu0", "0000:01:00.0"),)))
    assert isinstance(found, Missing)
    assert "its memory is not known" in found.detail
    assert cards.from_facts(Facts(Host(), Missing("tool-absent"))) == Missing("tool-absent")


def _gpu() -> Gpu:
    return Gpu("gpu0", "0000:01:00.0", name="NVIDIA GeForce RTX 4090", catalog=_4090)


def _only(gpu: Gpu) -> cards.Device:
    found = cards.from_facts(Facts(Host(), (gpu,)))
    assert not isinstance(found, Missing)
    return found[0]


def _measured(value: float) -> Measured:
    return Measured(median=value, better=value, spread=0.01, samples=5, unit="GB/s", method="")
