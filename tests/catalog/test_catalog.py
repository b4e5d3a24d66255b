"""The catalogue: what it knows, and that no figure gets in without a source."""

from __future__ import annotations

import pytest

from preflight.catalog import CatalogError, card_for, cards, parse

ENTRY = """
sources: {paper: "a paper", smi: "a recording"}
gpus:
  - name: Some Card
    ids: [["aaaa"], paper]
    family: ada
    form: geforce
    compute_capability: ["8.9", paper]
    peer_access: ["no", paper]
    memory_mib: [24564, smi]
    memory_gb_s: [1008, paper]
    sm_count: [128, paper]
    power_limit_w: [450, paper]
    pcie_gen: [4, paper]
    pcie_width: [16, paper]
    nvlink_links: [0, paper]
    bf16_tflops: [165, paper]
"""


@pytest.mark.parametrize(
    "id, name, memory_mib, memory_gb_s, sm_count, power_limit_w, pcie, links, peers",
    [
        ("2204", "GeForce RTX 3090", 24576, 936, 82, 350, (4, 16), 4, "nvlink-only"),
        ("2684", "GeForce RTX 4090", 24564, 1008, 128, 450, (4, 16), 0, "no"),
        ("2685", "GeForce RTX 4090 D", 24564, 1008, 114, 425, (4, 16), 0, "no"),
        ("2702", "GeForce RTX 4080 SUPER", 16376, 736, 80, 320, (4, 16), 0, "no"),
        ("2d04", "GeForce RTX 5060 Ti", 16311, 448, 36, 180, (5, 8), 0, "no"),
        ("2b85", "GeForce RTX 5090", 32607, 1792, 170, 575, (5, 16), 0, "no"),
        ("2230", "RTX A6000", 49140, 768, 84, 300, (4, 16), 4, "yes"),
        ("2bb5", "RTX PRO 6000 Blackwell Server Edition", 97887, 1792, 188, 600, (5, 16), 0, "yes"),
        ("20b2", "A100-SXM4-80GB", 81920, 2039, 108, 400, (4, 16), 12, "yes"),
        ("2330", "H100 80GB HBM3", 81559, 3350, 132, 700, (5, 16), 18, "yes"),
        ("2335", "H200", 143771, 4800, 132, 700, (5, 16), 18, "yes"),
        ("233b", "H200 NVL", 143771, 4800, 132, 600, (5, 16), 18, "yes"),
        ("2901", "B200", 183359, 7700, 148, 1000, (5, 16), 18, "yes"),
        ("1eb8", "Tesla T4", 15360, 320, 40, 70, (3, 16), 0, "yes"),
        ("1db5", "Tesla V100-SXM2-32GB", 32768, 900, 80, 300, (3, 16), 6, "yes"),
    ],
)
def test_figures_are_those_of_the_product(
    id: str, name: str, memory_mib: int, memory_gb_s: float, sm_count: int, power_limit_w: int,
    pcie: tuple[int, int], links: int, peers: str,
) -> None:  # fmt: skip
    card = card_for(id)
    assert card is not None
    assert card.name == name
    assert (card.memory_mib, card.memory_gb_s, card.sm_count) == (memory_mib, memory_gb_s, sm_count)
    assert (card.power_limit_w, (card.pcie_gen, card.pcie_width)) == (power_limit_w, pcie)
    assert (card.nvlink_links, card.peer_access) == (links, peers)


def test_an_id_is_found_however_it_is_written() -> None:
    assert card_for("2D04") is card_for("2d04")


def test_unknown_ids_and_other_products_of_a_known_id_are_none() -> None:
    assert card_for("ffff") is None
    assert card_for("20b0", "10de:1450") is None  # a board of another name under the A100's id
    assert card_for("20b0", "10de:134f") is card_for("20b0")


def test_every_figure_carries_a_source_in_words() -> None:
    figures = [figure for card in cards() for figure in card.figures.values()]
    assert len(figures) > 500
    assert all(len(figure.source) > 10 for figure in figures)


def test_tensor_rates_agree_with_each_other() -> None:
    """FP8 and int8 run at twice the bf16 rate from Ada on; a slip in one of them shows here.

    GeForce's int8 is four times: its bf16 is the halved rate with FP32 accumulate.
    """
    for card in cards():
        rates = {name: figure.value for name, figure in card.figures.items()}
        if "fp8_tflops" not in rates:
            continue
        assert rates["fp8_tflops"] == pytest.approx(2 * rates["bf16_tflops"], rel=0.03), card.name
        ratio = 4 if card.form == "geforce" else 2
        assert rates["int8_tops"] == pytest.approx(ratio * rates["bf16_tflops"], rel=0.03)


def test_the_sample_entry_is_whole() -> None:
    ((card, others),) = parse(ENTRY)
    assert card.figures["bf16_tflops"].source == "a paper"
    assert card.figures["memory_mib"].source == "a recording"
    assert others == frozenset()


@pytest.mark.parametrize(
    "good, bad",
    [
        ("memory_mib: [24564, smi]", "memory_mib: 24564"),
        ("memory_mib: [24564, smi]", "memory_mib: [24564]"),
        ("memory_mib: [24564, smi]", "memory_mib: [24564, hearsay]"),
        ("bf16_tflops: [165, paper]", "bf16_tflops: 165"),
        ('peer_access: ["no", paper]', 'peer_access: "no"'),
        ('peer_access: ["no", paper]', 'peer_access: ["perhaps", paper]'),
        ("form: geforce", "form: gaming"),
    ],
)
def test_an_entry_without_a_source_is_refused(good: str, bad: str) -> None:
    with pytest.raises(CatalogError, match="Some Card"):
        parse(ENTRY.replace(good, bad))


def test_an_id_that_stands_twice_is_refused() -> None:
    entry = ENTRY.partition("gpus:\n")[2]
    with pytest.raises(CatalogError, match="aaaa stands twice"):
        parse(ENTRY + entry)
