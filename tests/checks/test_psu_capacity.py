from __future__ import annotations

import pytest

from preflight.checks.psu_capacity import Limits, check
from preflight.facts import PowerBudget
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "cards, sockets, ratings, status",
    [
        (900, 1, (1500,), PASS),  # 1200 of 1500: 80 %
        (901, 1, (1500,), WARN),
        (1050, 1, (1500,), WARN),  # 1350: 90 %
        (1051, 1, (1500,), FAIL),
        (1040, 2, (2000, 2000), PASS),  # 1540 of one supply
        (1300, 2, (2000, 2000), WARN),  # 1800 of one
        (3100, 2, (2000, 2000), WARN),  # 3600 of both
        (3101, 2, (2000, 2000), FAIL),
        (1840, 2, (2000, 2000, 2000, 2000), PASS),
        (5600, 2, (3000,) * 6, PASS),
    ],
)
def test_shares(cards: float, sockets: int, ratings: tuple[int, ...], status: Status) -> None:
    found = check(Limits(), power_budget=PowerBudget(cards, sockets, ratings))
    assert found.status is status


def test_it_is_told_that_no_supply_is_spare() -> None:
    found = check(Limits(), power_budget=PowerBudget(3100, 2, (2000, 2000)))
    assert found.message == (
        "3600 W of cards and host of 4000 W (90%), but 180% of the 2000 W that 1 failed would "
        "leave, required 80%"
    )


def test_one_supply_has_no_other() -> None:
    found = check(Limits(), power_budget=PowerBudget(900, 1, (1000,)))
    assert found.message == "1200 W of cards and host of 1000 W (120%), required 80%"


@pytest.mark.parametrize(
    "cards, ratings, words, expected",
    [
        (1100, (2000, 2000), "1600 W of cards and host of 2000 W (80%), required 80%", 1600),
        (1300, (2000, 2000), "1800 W of cards and host of 2000 W (90%), required 80%", 1600),
        (700, (1500,), "1200 W of cards and host of 1500 W (80%), required 80%", 1200),
        (850, (1500,), "1350 W of cards and host of 1500 W (90%), required 80%", 1200),
        (
            1301,
            (2000, 2000),
            "1801 W of cards and host of 4000 W (45%), but 90% of the 2000 W that 1 failed would "
            "leave, required 80%",
            3200,
        ),
    ],
)
def test_half_of_the_supplies_count_while_they_are_enough(
    cards: float, ratings: tuple[int, ...], words: str, expected: int
) -> None:
    found = check(Limits(), power_budget=PowerBudget(cards, 2, ratings))
    assert (found.message, found.expected) == (words, expected)
