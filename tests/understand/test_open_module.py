"""Which cards want the open kernel module, and where that is not known."""

from __future__ import annotations

import pytest

from preflight.facts import Fact, Gpu, Missing
from preflight.understand.open_module import closed_module_cards
from tests.checks.cards import card

LOST = Missing("tool-absent")


@pytest.mark.parametrize(
    "family, is_open, expected",
    [
        ("blackwell", True, ()),
        ("blackwell", False, ("gpu0",)),
        ("blackwell", LOST, LOST),
        ("ada", False, ()),
        ("ada", LOST, ()),
    ],
)
def test_cards(family: str, is_open: Fact[bool], expected: Fact[tuple[str, ...]]) -> None:
    gpu = Gpu("gpu0", "0000:01:00.0", catalog=card(family=family), is_open_driver=is_open)
    assert closed_module_cards((gpu,)) == expected


def test_no_list_of_cards() -> None:
    assert closed_module_cards(LOST) == LOST
    assert closed_module_cards(()) == ()
