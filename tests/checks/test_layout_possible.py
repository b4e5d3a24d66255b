from __future__ import annotations

import pytest

from preflight.checks.layout_possible import Limits, check
from preflight.facts import GpuModel, LayoutCard, ModelFit, Placement
from preflight.findings import FAIL, PASS, Finding, Status
from preflight.layout import parse

PAIR = (("gpu0", "gpu1"),)


def card(
    number: int,
    name: str = "RTX 4090",
    obstacles: tuple[str, ...] = (),
    unread: tuple[str, ...] = (),
) -> LayoutCard:
    subject = f"gpu{number}"
    model = GpuModel(subject, name, "2684", 24564)
    return LayoutCard(subject, f"{subject} ({name}, slot {number})", model, obstacles, unread)


def judged(
    layout: str,
    *cards: LayoutCard,
    groups: tuple[tuple[str, ...], ...] = (),
    may_fit: bool = False,
    alternatives: tuple[str, ...] = (),
    has_peers: bool | None = None,
) -> Finding:
    found = Placement(cards, groups, may_fit, alternatives, has_peers)
    return check(Limits(), layout=parse(layout), placement=found)


@pytest.mark.parametrize(
    "has_peers, note", [(True, False), (False, True), (None, False)], ids=["yes", "no", "unread"]
)
def test_a_layout_that_fits_passes_also_without_peer_access(
    has_peers: bool | None, note: bool
) -> None:
    finding = judged("tp2", card(0), card(1), groups=PAIR, may_fit=True, has_peers=has_peers)
    assert finding.status is PASS
    assert finding.message.startswith("tp2 on gpu0 and gpu1")
    assert ("NCCL goes through host memory" in finding.message) == note


def test_what_was_not_read_is_unknown() -> None:
    finding = judged("tp2", card(0), card(1, unread=("whether MIG is on",)), may_fit=True)
    assert finding.status is Status.UNKNOWN
    assert finding.reason == "not read: gpu1: whether MIG is on"


def test_different_models_in_one_group() -> None:
    finding = judged("tp2", card(0), card(1, "RTX 3090"), alternatives=("split", "replicas", "pp2"))
    assert finding.status is FAIL
    assert "1x RTX 4090 (24564 MiB) and 1x RTX 3090 (24564 MiB)" in finding.message
    assert finding.message.endswith("nearest that works: split or replicas")
    assert finding.remedy == "Deploy split instead, or put in what tp2 lacks."


def test_too_few_cards() -> None:
    finding = judged("tp4", card(0), card(1), alternatives=("tp2", "pp2"))
    assert "it needs 4 cards, and there are 2; nearest that works: tp2 or pp2" in finding.message
    one = judged("pp2", card(0), alternatives=("tp1",))
    assert "it needs 2 cards, and there is 1" in one.message


@pytest.mark.parametrize("layout", ["tp2", "pp2", "replicas", "split"])
def test_a_card_that_cannot_be_used_is_named_with_its_place_and_reason(layout: str) -> None:
    finding = judged(layout, card(0), card(1, obstacles=("it does not answer (Xid 79)",)))
    assert finding.status is FAIL
    assert "gpu1 (RTX 4090, slot 1): it does not answer (Xid 79)" in finding.message
    assert "no layout works as it is" in finding.message
    assert "gpu1" in (finding.remedy or "")


def test_a_spare_card_that_cannot_be_used_is_not_in_the_way_of_one_server() -> None:
    cards = card(0), card(1, "RTX 3090"), card(2, obstacles=("MIG is on",))
    finding = judged("tp2", *cards, alternatives=("pp2",))
    assert "1x RTX 4090 (24564 MiB) and 1x RTX 3090" in finding.message
    assert "MIG" not in finding.message


@pytest.mark.parametrize(
    "layout, words",
    [
        ("tp1", "it needs 1 card, and 0 can be used"),
        ("tp2", "it needs 2 cards, and 0 can be used"),
        ("replicas", "replicas takes every card, and 0 can be used"),
        ("split", "it needs 2 cards, and 0 can be used"),
    ],
)
def test_how_many_cards_a_layout_needs_is_told(layout: str, words: str) -> None:
    finding = judged(layout, card(0, obstacles=("MIG is on",)))
    assert f"{layout} is not possible: {words}" in finding.message


@pytest.mark.parametrize(
    "refusal, groups, status",
    [
        ("", PAIR, PASS),
        ("weights take 70 GiB of 48", PAIR, FAIL),
        ("weights take 70 GiB of 48", (), FAIL),  # no place for the cards comes first
    ],
)
def test_a_model_that_does_not_fit(
    refusal: str, groups: tuple[tuple[str, ...], ...], status: Status
) -> None:
    fit = ModelFit("Llama-3.1-70B", refusal, "")
    found = Placement((card(0), card(1)), groups, False, (), None, model_fit=fit)
    finding = check(Limits(), layout=parse("tp2"), placement=found)
    assert finding.status is status
    assert (refusal in finding.message) is bool(groups)
    assert ("for Llama-3.1-70B" in finding.message) is (status is PASS)
