"""Which cards a layout takes, and which layouts are looked at."""

from __future__ import annotations

import pytest

from preflight.layout import parse as layout
from preflight.plan.arrangements import arrange, considered
from preflight.plan.cards import parse


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (1, "tp1"),
        (2, "tp1 tp2 pp2 replicas split"),
        (3, "tp1 tp2 tp3 pp2 pp3 replicas split"),
        (4, "tp1 tp2 tp4 pp2 pp4 tp2pp2 replicas split"),
        (8, "tp1 tp2 tp4 tp8 pp2 pp4 pp8 tp2pp4 tp4pp2 replicas split"),
    ],
)
def test_considered(count: int, names: str) -> None:
    assert " ".join(one.name for one in considered(count)) == names


def _subjects(gpus: str, name: str) -> list[list[str]]:
    made = arrange(parse(gpus), layout(name))
    return [[card.subject for card in cards] for cards in made.servers]


@pytest.mark.parametrize(
    ("gpus", "name", "servers"),
    [
        ("2x RTX 4090", "tp2", [["gpu0", "gpu1"]]),
        ("RTX 3090, 2x RTX 4090", "tp2", [["gpu1", "gpu2"]]),
        ("RTX 3090, RTX 4090", "tp1", [["gpu1"]]),
        ("RTX 3090, RTX 4090", "split", [["gpu1"]]),
        ("RTX 3090, RTX 4090", "pp2", [["gpu1", "gpu0"]]),
        ("RTX 3090, RTX 4090", "replicas", [["gpu0"], ["gpu1"]]),
        ("4x RTX 4090", "tp2pp2", [["gpu0", "gpu1", "gpu2", "gpu3"]]),
        ("16x RTX 4090", "tp16", [[f"gpu{n}" for n in range(16)]]),
    ],
)
def test_the_cards_of_each_server(gpus: str, name: str, servers: list[list[str]]) -> None:
    assert _subjects(gpus, name) == servers


def test_two_kinds_make_no_group() -> None:
    made = arrange(parse("RTX 3090, RTX 4090"), layout("tp2"))
    assert made.is_mixed
    assert not arrange(parse("2x RTX 3090, RTX 4090"), layout("tp2")).is_mixed


@pytest.mark.parametrize(("gpus", "name"), [("RTX 4090", "tp2"), ("RTX 4090", "split")])
def test_too_few_cards_are_refused(gpus: str, name: str) -> None:
    refusal = arrange(parse(gpus), layout(name)).refusal
    assert refusal is not None
    assert refusal.kind == "cards"
