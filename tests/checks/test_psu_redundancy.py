from __future__ import annotations

import pytest

from preflight.checks.psu_redundancy import Limits, check
from preflight.facts import PowerSupply
from preflight.findings import FAIL, PASS, WARN, Status

GOOD, DEAD = "Presence detected", "Presence detected, Failure detected, Power Supply AC lost"


def supplies(*states: str) -> tuple[PowerSupply, ...]:
    return tuple(PowerSupply(f"PS{n} Status", None, state) for n, state in enumerate(states, 1))


@pytest.mark.parametrize(
    "states, redundancy, status",
    [
        ((GOOD, GOOD), "", PASS),
        ((GOOD, GOOD), "Fully Redundant", PASS),
        ((GOOD, GOOD), "Redundancy Lost", WARN),
        ((GOOD, GOOD), "Redundancy Degraded", WARN),
        ((GOOD, DEAD), "", FAIL),
        ((GOOD, "Presence detected, Power Supply AC lost"), "", FAIL),
        ((GOOD, "Presence detected, Failure detected"), "", FAIL),
        ((GOOD, "Presence detected, Power Supply input lost"), "", FAIL),
        ((GOOD, "Presence detected, Power Supply input out of range"), "", FAIL),
        ((GOOD, "Presence detected, Config Error"), "", FAIL),
        ((GOOD, GOOD), "Non-redundant: Sufficient Resources", WARN),
        ((GOOD, DEAD), "Redundancy Lost", FAIL),
        ((GOOD, ""), "", WARN),
        ((GOOD,), "", PASS),
    ],
)
def test_states(states: tuple[str, ...], redundancy: str, status: Status) -> None:
    found = check(Limits(), power_supplies=supplies(*states), power_redundancy=redundancy)
    assert found.status is status


def test_the_failed_one_is_named() -> None:
    found = check(Limits(), power_supplies=supplies(GOOD, DEAD))
    assert found.message == f"power supply PS2 Status: {DEAD}"


def test_the_absent_one_is_named() -> None:
    found = check(Limits(), power_supplies=supplies(GOOD, ""))
    assert found.measured == (f"PS1 Status: {GOOD}", "PS2 Status: not there")
    assert found.message == "power supply PS2 Status is not there"
