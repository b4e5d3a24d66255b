"""The catalogue against the table of cards that it was made from, cell by cell.

The table stands beside the recordings, in catalog-facts.md, where PREFLIGHT_CORPUS says.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from preflight.catalog import card_for
from preflight.facts import Card

_BESIDE = Path(__file__).parents[3] / "shared" / "captures"
TABLE = Path(os.environ.get("PREFLIGHT_CORPUS", _BESIDE)).parent / "catalog-facts.md"
COLUMNS = (
    "name", "memory", "gb_s", "bf16", "fp8", "int8", "fp4", "sm", "l2", "cc", "tdp", "pcie",
    "nvlink", "ids", "peers",
)  # fmt: skip
RATES = {"bf16": "bf16_tflops", "fp8": "fp8_tflops", "int8": "int8_tops", "fp4": "fp4_tflops"}
Row = dict[str, str]


def rows() -> list[Row]:
    if not TABLE.exists():
        return []
    lines = TABLE.read_text().split("## Models")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return [dict(zip(COLUMNS, row, strict=True)) for row in cells if len(row) == len(COLUMNS)][2:]


ROWS = rows()
each_row = pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
pytestmark = pytest.mark.skipif(not ROWS, reason=f"NO TABLE OF CARDS at {TABLE}: not compared")


def cards(row: Row) -> list[Card]:
    """The cards of a row: several where it holds PCIe and SXM, or two sizes, by their ids."""
    main = re.sub(r"\(.*?\)", "", row["ids"])
    found = [card_for(id) for id in re.findall(r"\b[0-9A-F]{4}\b", main)]
    assert found, row["ids"]
    assert None not in found, f"{row['name']}: {row['ids']} is not in the catalogue"
    return [card for card in found if card is not None]


def figures(cell: str) -> set[float]:
    """Every number of a cell: a card must have one of them."""
    return {float(number) for number in re.findall(r"\d+(?:\.\d+)?", cell)}


def test_every_row_was_read() -> None:
    assert len(ROWS) == 27
    assert {"RTX 3090", "H100 SXM", "T4"} <= {row["name"] for row in ROWS}


@each_row
def test_what_every_card_has(row: Row) -> None:
    told = figures(row["memory"].partition("/")[0])
    is_modified = "mod" in row["name"]  # no product: the id is that of the card it was made from
    for card in cards(row):
        assert is_modified or card.memory_mib in told
        assert card.memory_gb_s in figures(row["gb_s"])
        assert card.sm_count in figures(row["sm"])
        assert card.power_limit_w in figures(row["tdp"])
        assert card.compute_capability == row["cc"]
        gen, width = (int(n) for n in re.findall(r"\d+", row["pcie"])[:2])
        assert (card.pcie_gen, card.pcie_width) == (gen, width)


@each_row
def test_what_some_cards_have(row: Row) -> None:
    for card in cards(row):
        for column, key in RATES.items():
            # "- (fp16 65)": what is in brackets is another rate
            told = figures(re.sub(r"\(.*?\)", "", row[column]))
            known = card.figures.get(key)
            assert (known is not None) == bool(told), (card.name, column)
            assert known is None or known.value in told, (card.name, column)
        cache = card.figures.get("l2_mb")  # none where the table has a range only
        assert (cache is not None) is ("-" not in row["l2"]), card.name
        assert cache is None or cache.value in figures(row["l2"]), card.name


@each_row
def test_how_cards_reach_each_other(row: Row) -> None:
    expected = {"yes": "yes", "no": "no", "only": "nvlink-only"}[
        row["peers"].split()[0].strip(";,")
    ]
    for card in cards(row):
        assert card.peer_access == expected
        rate = card.figures.get("nvlink_gb_s")
        if rate is not None:
            assert rate.value in figures(row["nvlink"])
        assert (card.nvlink_links > 0) is (rate is not None)
        if "/" not in row["nvlink"]:
            assert (card.nvlink_links > 0) is bool(figures(row["nvlink"]))
