from __future__ import annotations

import pytest

from preflight.checks.bmc_events import Limits, check
from preflight.facts import BmcEvent
from preflight.findings import FAIL, PASS, WARN, Status


def event(sensor: str, message: str, asserted: bool = True, age: float | None = 2.0) -> BmcEvent:
    return BmcEvent(sensor, message, asserted, age)


LOST = event("Power Supply PS1 Status", "Power Supply AC lost")
BACK = event("Power Supply PS1 Status", "Power Supply AC lost", asserted=False)


@pytest.mark.parametrize(
    "events, status",
    [
        ((), PASS),
        ((LOST,), FAIL),
        ((LOST, BACK), WARN),
        ((LOST, BACK, LOST), FAIL),
        ((event("Power Supply PS1 Status", "Power Supply AC lost", age=30.0),), FAIL),
        ((event("Power Supply PS1 Status", "Power Supply AC lost", age=30.1),), PASS),
        ((event("Power Supply PS1 Status", "Power Supply AC lost", age=None),), WARN),
        ((event("Power Supply PS1 Status", "Presence detected"),), PASS),
        ((event("Power Unit Pwr Unit Status", "Power off/down"),), PASS),
        ((event("Memory #0x87", "Correctable ECC"),), WARN),
        ((event("Memory #0x87", "Uncorrectable ECC"),), FAIL),
        ((event("Temperature CPU1 Temp", "Upper Critical going high"),), FAIL),
        ((event("Temperature CPU1 Temp", "Upper Non-critical going high"),), WARN),
        ((event("Event Logging Disabled SEL", "Log area reset/cleared"),), PASS),
        ((event("Critical Interrupt PCIe", "Bus Uncorrectable error"),), FAIL),
    ],
)
def test_entries(events: tuple[BmcEvent, ...], status: Status) -> None:
    assert check(Limits(), bmc_events=events).status is status


def test_the_entry_and_its_age_are_told() -> None:
    words = "BMC's log: Power Supply PS1 Status: Power Supply AC lost, 2 days ago"
    assert check(Limits(), bmc_events=(LOST,)).message == words


def test_what_stands_is_told_and_what_is_over_is_not() -> None:
    over = event("Temperature CPU1 Temp", "Upper Critical going high", asserted=False)
    words = check(Limits(), bmc_events=(over, LOST)).message
    assert "AC lost" in words
    assert "CPU1" not in words


@pytest.mark.parametrize("events, more", [(4, ""), (5, " and 1 more")])
def test_four_are_shown(events: int, more: str) -> None:
    lost = tuple(event(f"Power Supply PS{n} Status", "Power Supply AC lost") for n in range(events))
    words = check(Limits(), bmc_events=lost).message
    assert words.endswith(f"PS3 Status: Power Supply AC lost, 2 days ago{more}")
