from __future__ import annotations

from typing import Any

import pytest

from preflight.checks.sm_count import Limits, check
from preflight.facts import Figure
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card
from tests.checks.measured import RATES, cuda_device


@pytest.mark.parametrize(
    "device, facts, status",
    [
        ({}, {}, PASS),
        ({}, {"sm_ids": 128}, PASS),
        ({"sm_count": 114}, {}, FAIL),
        ({"sm_count": 130}, {}, FAIL),
        ({"compute_capability": "8.6"}, {}, FAIL),
        ({}, {"sm_ids": 127}, WARN),  # counting by blocks is not proven on this family
        ({"l2_mib": 72.0}, {}, PASS),
        ({"l2_mib": 68.5}, {}, PASS),
        ({"l2_mib": 68.3}, {}, WARN),
        ({"l2_mib": 75.5}, {}, PASS),
        ({"l2_mib": 75.7}, {}, WARN),
        ({"sm_count": 16}, {"mig_enabled": True}, Status.NOT_APPLICABLE),
    ],
)
def test_the_chip_by_its_figures(
    device: dict[str, Any], facts: dict[str, Any], status: Status
) -> None:
    product = card(figures=RATES)
    finding = check(Limits(), cuda_device=cuda_device(**device), catalog=product, **facts)
    assert finding.status is status


def test_counted_by_blocks_where_that_is_proven() -> None:
    product = card(family="hopper")
    assert check(Limits(), cuda_device=cuda_device(), catalog=product, sm_ids=120).status is FAIL


@pytest.mark.parametrize("sm_ids, is_counted", [(None, False), (128, True)])
def test_that_blocks_counted_too_is_told(sm_ids: int | None, is_counted: bool) -> None:
    finding = check(Limits(), cuda_device=cuda_device(), catalog=card(), sm_ids=sm_ids)
    assert finding.message.endswith(", counted by blocks too") is is_counted


@pytest.mark.parametrize("mib, status", [(95.0, PASS), (94.9, WARN), (105.0, PASS), (105.1, WARN)])
def test_a_cache_exactly_at_the_tolerance(mib: float, status: Status) -> None:
    product = card(figures={"l2_mb": Figure(100, "a round one")})
    assert check(Limits(), cuda_device=cuda_device(l2_mib=mib), catalog=product).status is status
