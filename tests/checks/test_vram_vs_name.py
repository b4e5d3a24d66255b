from __future__ import annotations

import pytest

from preflight.catalog import card_for
from preflight.checks.vram_vs_name import Limits, check
from preflight.findings import FAIL, PASS, Status
from tests.checks.cards import card

RTX4090 = card()
A10 = card(name="A10", form="data-center", memory_mib=23028)  # with ECC on
A6000 = card(name="RTX A6000", form="workstation", memory_mib=49140)  # with ECC off
ROUND = card(name="a card of 10000 MiB", memory_mib=10000)
SERVER = card(form="data-center", memory_mib=10000)


@pytest.mark.parametrize(
    "model, mib, ecc, status",
    [
        (ROUND, 10000, None, PASS),
        (ROUND, 10400, None, PASS),
        (ROUND, 10401, None, FAIL),
        (ROUND, 9600, None, PASS),
        (ROUND, 9599, None, FAIL),
        (ROUND, 9000, True, PASS),
        (ROUND, 8999, True, FAIL),
        (ROUND, 11093, None, FAIL),
        (SERVER, 11093, None, PASS),
        (SERVER, 11094, None, FAIL),
        (RTX4090, 24564, False, PASS),
        (RTX4090, 49140, False, FAIL),  # rebuilt with 48 GB
        (RTX4090, 23028, True, PASS),  # ECC can be switched on
        (RTX4090, 23028, False, FAIL),
        (A10, 24564, False, PASS),
        (A10, 24564, None, PASS),
        (A10, 24564, True, FAIL),
        (A6000, 46068, True, PASS),
        (A6000, 46068, None, PASS),
        (A6000, 46068, False, FAIL),
        (A6000, 24564, None, FAIL),
    ],
)
def test_memory(model: object, mib: int, ecc: bool | None, status: Status) -> None:
    finding = check(Limits(), memory_total_mib=mib, catalog=model, ecc_enabled=ecc)  # type: ignore[arg-type]
    assert finding.status is status


def test_more_is_a_modified_card() -> None:
    more = check(Limits(), memory_total_mib=49140, catalog=RTX4090)
    assert "a modified card" in more.message
    less = check(Limits(), memory_total_mib=12288, catalog=RTX4090)
    assert "less than it is made with" in less.message
    assert more.remedy is None
    assert less.remedy
    assert "Reset" in less.remedy


@pytest.mark.parametrize("mib, status", [(16311, PASS), (8151, PASS), (12288, FAIL)])
def test_a_card_sold_with_either_of_two_sizes(mib: int, status: Status) -> None:
    card = card_for("2d04")
    assert card is not None
    assert check(Limits(), memory_total_mib=mib, catalog=card).status is status
