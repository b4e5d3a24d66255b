from __future__ import annotations

import pytest

from preflight.errors import UsageError
from preflight.supply import question


@pytest.mark.parametrize(
    "text, told",
    [
        ("2x RTX 4090", [(2, "GeForce RTX 4090")]),
        ("RTX 4090", [(1, "GeForce RTX 4090")]),
        ("4090", [(1, "GeForce RTX 4090")]),
        ("4090 d", [(1, "GeForce RTX 4090 D")]),
        ("2X NVIDIA GeForce RTX 5090", [(2, "GeForce RTX 5090")]),
        ("2×3090 Ti", [(2, "GeForce RTX 3090 Ti")]),
        ("8x H100 80GB HBM3", [(8, "H100 80GB HBM3")]),
        ("RTX 5090 + 2x RTX 3090", [(1, "GeForce RTX 5090"), (2, "GeForce RTX 3090")]),
        ("1x L4, 1x A10", [(1, "L4"), (1, "A10")]),
        ("16x L4", [(16, "L4")]),
    ],
)
def test_cards(text: str, told: list[tuple[int, str]]) -> None:
    assert [(one.count, one.card.name) for one in question.gpus(text)] == told


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "is no card"),
        ("2x", "in no catalogue"),
        ("0x RTX 4090", "asks for no card"),
        ("2x RTX 9999", "in no catalogue"),
        ("2x RTX 4090 +", "is no card"),
        ("17x L4", "more than 16"),
        ("9x L4 + 8x A10", "17 cards"),
        ("H100", "may be H100 PCIe or"),
        ("-2x RTX 4090", "in no catalogue"),
        ("x" * 100_000, "no card"),
    ],
)
def test_what_is_no_card(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        question.gpus(text)


@pytest.mark.parametrize(
    "text, told",
    [
        ("1200W ATX2.4", (1200, "ATX 2.4", 2)),
        ("1200 W ATX 3.1", (1200, "ATX 3.1", 3)),
        ("850w atx3", (850, "ATX 3.x", 3)),
        ("1000W ATX12V 2.52", (1000, "ATX 2.52", 2)),
        ("1000W ATX12V v2.4", (1000, "ATX 2.4", 2)),
        ("1600W", (1600, "", 2)),
        ("100W", (100, "", 2)),
        ("20000W", (20000, "", 2)),
        ("2x 1600W ATX3.1", (3200, "ATX 3.1", 3)),
        ("2x 2000W redundant", (2000, "", 2)),
        ("3×1000W ATX 3 redundant", (2000, "ATX 3.x", 3)),
        ("6x 3000W redundant", (9000, "", 2)),
    ],
)
def test_supplies(text: str, told: tuple[int, str, int]) -> None:
    psu = question.psu(text)
    assert (psu.rating_w, psu.standard, psu.major) == told


@pytest.mark.parametrize(
    "text",
    [
        *("", "1200", "-1200W", "0W", "99W", "20001W", "1200W ATX 5.0", "1200W gold", "ATX3.1"),
        *("1e3W", "1200W redundant", "1x 1200W redundant", "0x 500W", "10x 500W", "2x", "2x W"),
        "2000Wredundant",
    ],
)
def test_what_is_no_supply(text: str) -> None:
    with pytest.raises(UsageError, match="--psu"):
        question.psu(text)
