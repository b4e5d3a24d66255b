from __future__ import annotations

import pytest

from preflight.checks.inforom_valid import Limits, check
from preflight.facts import Card
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card


@pytest.mark.parametrize(
    "is_corrupted, model, status",
    [
        (False, card(), PASS),
        (False, None, PASS),
        (True, card(), WARN),  # many a GeForce shows it for years
        (True, card(form="workstation"), FAIL),
        (True, card(form="data-center"), FAIL),
        (True, None, FAIL),
    ],
)
def test_store(is_corrupted: bool, model: Card | None, status: Status) -> None:
    assert check(Limits(), inforom_corrupted=is_corrupted, catalog=model).status is status


def test_nobody_is_told_to_replace_a_geforce_for_it() -> None:
    finding = check(Limits(), inforom_corrupted=True, catalog=card())
    assert finding.remedy_class == "watch"
