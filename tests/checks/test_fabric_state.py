from __future__ import annotations

from dataclasses import replace

import pytest

from preflight.checks.fabric_state import Limits, check
from preflight.facts import Fabric, FabricCard
from preflight.findings import FAIL, PASS, WARN, Status

GOOD = Fabric(
    cards=tuple(FabricCard(f"gpu{n}", "completed", "success") for n in range(8)),
    switches=4,
    manager="active",
    manager_version="580.159.04",
    driver="580.159.04",
)
GUEST = replace(GOOD, switches=0, manager="not-found", manager_version="")


def one_of(state: str, status: str) -> Fabric:
    return replace(GOOD, cards=(*GOOD.cards[:7], FabricCard("gpu7", state, status)))


@pytest.mark.parametrize(
    "fabric, status",
    [
        (GOOD, PASS),
        (GUEST, PASS),  # the hypervisor's service joined them
        (replace(GOOD, manager=""), PASS),  # no systemd to ask
        (one_of("in progress", "success"), FAIL),
        (one_of("not started", "success"), FAIL),
        (one_of("completed", "NVML error 999"), FAIL),
        (replace(GOOD, manager="failed"), FAIL),
        (replace(GOOD, manager="inactive"), FAIL),
        (replace(GOOD, manager="not-found"), FAIL),
        (replace(GOOD, cards=(), manager="inactive"), FAIL),  # A100: no card tells
        (replace(GOOD, cards=(), manager="active"), PASS),
        (replace(GOOD, cards=(), manager=""), Status.UNKNOWN),
        (replace(GOOD, manager_version="580.95.05"), WARN),
        (replace(GOOD, manager_version=""), PASS),
        # Of another version and no longer running: it is told beside, and it fails all the same.
        (replace(GUEST, manager="inactive", manager_version="580.95.05"), WARN),
    ],
)
def test_fabric(fabric: Fabric, status: Status) -> None:
    assert check(Limits(), fabric=fabric).status is status


def test_each_state_is_told_once_and_a_service_that_failed_with_it() -> None:
    none = tuple(FabricCard(f"gpu{n}", "in progress", "success") for n in range(2))
    finding = check(Limits(), fabric=replace(GUEST, cards=none, manager="failed"))
    assert finding.message == "gpu0, gpu1: in progress, success; nvidia-fabricmanager is failed"
    alone = check(Limits(), fabric=replace(GUEST, cards=none))
    assert alone.message == "gpu0, gpu1: in progress, success"


def test_cards_outside_are_named() -> None:
    finding = check(Limits(), fabric=one_of("in progress", "success"))
    assert finding.message == "gpu7: in progress, success"
    assert (finding.measured, finding.expected) == (7, 8)


def test_a_service_of_another_version_that_runs_is_told() -> None:
    found = check(Limits(), fabric=replace(GOOD, manager_version="580.95.05"))
    assert found.message == ("fabric manager 580.95.05, driver 580.159.04: it will not start again")


def test_a_service_that_stands_still_is_no_fault_where_no_switch_and_no_card_needs_it() -> None:
    found = check(Limits(), fabric=replace(GUEST, manager="inactive"))
    assert found.status is PASS


def test_a_sound_fabric_without_switches_tells_the_version_first() -> None:
    found = check(Limits(), fabric=replace(GUEST, manager="inactive", manager_version="580.95.05"))
    assert found.message.startswith("fabric manager 580.95.05")
