from __future__ import annotations

import pytest

from preflight.checks.bar1_size import Limits, check
from preflight.facts import Card
from preflight.findings import PASS, WARN, Status
from tests.checks.cards import card


@pytest.mark.parametrize(
    "bar1, memory, status",
    [
        (32768, 24564, PASS),
        (24564, 24564, PASS),
        (24563, 24564, WARN),
        (16384, 10240, PASS),  # an RTX 3080
        (256, 24564, WARN),
    ],
)
def test_window(bar1: int, memory: int, status: Status) -> None:
    finding = check(Limits(), bar1_total_mib=bar1, memory_total_mib=memory)
    assert (finding.status, finding.measured, finding.expected) == (status, bar1, memory)


@pytest.mark.parametrize(
    "memory, catalog, bar1, status",
    [
        (None, card(), 256, WARN),  # the driver refuses; lspci shows the window
        (None, card(), 32768, PASS),
        (None, None, 256, Status.UNKNOWN),
    ],
)
def test_where_the_driver_tells_no_memory_the_product_does(
    memory: int | None, catalog: Card | None, bar1: int, status: Status
) -> None:
    finding = check(Limits(), bar1_total_mib=bar1, memory_total_mib=memory, catalog=catalog)
    assert finding.status is status


@pytest.mark.parametrize(
    "offered, needs_vbios",
    [(None, False), (256, True), (4095, True), (4096, False), (32768, False)],
)
def test_a_card_that_offers_no_larger_window_needs_a_vbios_first(
    offered: int | None, needs_vbios: bool
) -> None:
    finding = check(Limits(), bar1_total_mib=256, memory_total_mib=8192, bar1_offered_mib=offered)
    assert finding.status is WARN
    assert ("VBIOS" in (finding.remedy or "")) is needs_vbios
