from __future__ import annotations

from dataclasses import replace

import pytest

from preflight.checks.nic_speed import Limits, check
from preflight.facts import Nic
from preflight.findings import PASS, WARN, Status


def nic(speed: int | None = 10000, duplex: str | None = "full", changes: int | None = 2) -> Nic:
    return Nic("eno1", speed, duplex, changes, packets=1000, errors=0, dropped=0)


@pytest.mark.parametrize(
    "card, status",
    [
        (nic(), PASS),
        (nic(1000), PASS),
        (nic(999), WARN),
        (nic(100), WARN),
        (nic(duplex="half"), WARN),
        (nic(duplex=None), PASS),
        (nic(None), Status.UNKNOWN),
        (nic(None, None), Status.UNKNOWN),
        (nic(changes=None), PASS),
    ],
)
def test_speed_and_duplex(card: Nic, status: Status) -> None:
    assert check(Limits(), nics=(card,), uptime_s=3600.0).status is status


@pytest.mark.parametrize(
    "changes, hours, status",
    [
        (4, 1.0, WARN),
        (3, 1.0, PASS),
        (22, 10.0, WARN),
        (20, 10.0, PASS),
        (40, 20.0, PASS),
        (4, 0.1, WARN),
        (0, 0.1, PASS),
        (3, 0.1, PASS),  # a host of an hour or less is judged as one of an hour
        (4, 1.001, PASS),
        (10, 4.0, WARN),
        (10, 4.001, PASS),
        (2 + 2 * 50, 50.0, WARN),
        (2 + 2 * 49, 50.0, PASS),
    ],
)
def test_links_lost_an_hour(changes: int, hours: float, status: Status) -> None:
    found = check(Limits(), nics=(nic(changes=changes),), uptime_s=3600 * hours)
    assert found.status is status


def test_one_card_that_tells_is_enough() -> None:
    assert check(Limits(), nics=(nic(None), nic())).status is PASS


def test_a_card_that_tells_no_speed_is_named_as_such() -> None:
    finding = check(Limits(), nics=(nic(None), nic()))
    assert finding.message == "network: eno1 speed not told, eno1 10000 Mb/s"


@pytest.mark.parametrize("able, status", [(None, PASS), (1000, PASS), (1001, WARN)])
def test_a_link_that_both_ends_could_run_faster(able: int | None, status: Status) -> None:
    finding = check(Limits(), nics=(replace(nic(1000), speed_able_mbit_s=able),))
    assert finding.status is status
    if status is WARN:
        assert finding.message == "network: eno1 at 1000 Mb/s, card and port could 1001 Mb/s"


def test_a_link_whose_speed_is_not_told_is_not_slow() -> None:
    assert check(Limits(), nics=(replace(nic(None), speed_able_mbit_s=1000), nic())).status is PASS
