from __future__ import annotations

import pytest

from preflight.errors import UsageError
from preflight.layout import Layout, parse
from preflight.purpose import Purpose, purpose


@pytest.mark.parametrize(
    "text, tensor, pipeline, cards, one_server",
    [
        ("tp2", 2, 1, 2, True),
        ("tp1", 1, 1, 1, True),
        ("pp3", 1, 3, 3, True),
        ("tp2pp4", 2, 4, 8, True),
        ("tp16", 16, 1, 16, True),
        ("replicas", 1, 1, 1, False),
        ("split", 1, 1, 2, False),
    ],
)
def test_layouts(text: str, tensor: int, pipeline: int, cards: int, one_server: bool) -> None:
    layout = parse(text)
    assert layout == Layout(text, tensor, pipeline)
    assert (layout.cards_needed, layout.is_one_server) == (cards, one_server)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tp",
        "tp0",
        "tp02",
        "TP2",
        "tp2 ",
        "tp100",
        "pp2tp2",
        "tp2pp",
        "tp-1",
        "replica",
        "2",
        "tp²",
    ],
)
def test_nonsense_is_refused_with_what_a_layout_is(text: str) -> None:
    with pytest.raises(UsageError, match="no layout") as refused:
        parse(text)
    assert "tpNppM" in refused.value.hint


def test_a_purpose() -> None:
    assert purpose(None) == Purpose()
    assert purpose("tp2") == Purpose(Layout("tp2", 2))
    assert purpose("tp2:org/model:fp8").model == "org/model:fp8"
    own = ("vllm@main.service", "vllm@.service", r"vllm@a\x2db.service", "vllm.service")
    assert purpose("split", own).own_units == own


@pytest.mark.parametrize("use", ["tp2:", "tp2: ", "tp2:\n", f"tp2:{'m' * 513}", ":model"])
def test_a_model_that_is_none(use: str) -> None:
    with pytest.raises(UsageError):
        purpose(use)


@pytest.mark.parametrize("unit", ["", "vllm", "vllm@", "a b.service", "../x.service", "x.slice"])
def test_a_unit_that_is_none(unit: str) -> None:
    with pytest.raises(UsageError, match="no unit"):
        purpose(None, (unit,))
