"""What the BMC tells of supplies, heat and events, and DMI of supplies."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.facts import BmcEvent, Missing, NotApplicable, PowerBudget, PowerSupply
from preflight.understand import understand

from .build import bare, command, files, with_status

GUEST = command("Model name: Xeon\nFlags: fpu hypervisor\nHypervisor vendor: KVM\n")
LOST = "Presence detected, Failure detected, Power Supply AC lost"


def host(**sources: Any) -> Any:
    return understand(bare().capture(**sources)).host


def sdr(*rows: str) -> Any:
    return command("\n".join(rows) + "\n")


@pytest.mark.parametrize(
    "rows, supplies",
    [
        (  # Supermicro
            (
                f"PS1 Status       | C8h | ok  | 10.88 | {LOST}",
                "PS2 Status       | C9h | ok  | 10.87 | Presence detected",
            ),
            (("PS1 Status", LOST), ("PS2 Status", "Presence detected")),
        ),
        (  # Dell: one name for all, and for the processors; the second bay is empty
            (
                "Status           | 60h | ok  |  3.1 | Presence detected",
                "Status           | 85h | ok  | 10.1 | Presence detected",
                "Status           | 86h | ok  | 10.2 |",
                "Current 1        | 6Ah | ok  | 10.1 | 1.20 Amps",
            ),
            (("Status 10.1", "Presence detected"), ("Status 10.2", "")),
        ),
        (  # reading and state in one cell
            ("Power Supply 1   | 03h | ok  | 10.1 | 110 Watts, Presence detected",),
            (("Power Supply 1", "Presence detected"),),
        ),
        (  # no words of a state
            ("Power Supply 1   | 0x08              | ok", "PSU1_TEMP | 40 degrees C | ok"),
            None,
        ),
    ],
)
def test_power_supplies(rows: tuple[str, ...], supplies: Any) -> None:
    found = host(ipmi_sdr=sdr(*rows)).power_supplies
    if supplies is None:
        assert found == Missing("not-present", "the BMC lists no state of a power supply")
    else:
        assert found == tuple(PowerSupply(name, None, state) for name, state in supplies)


def test_redundancy_and_the_air_that_comes_in() -> None:
    found = host(
        ipmi_sdr=sdr(
            "Exhaust Temp     | 05h | ok  |  7.1 | 44 degrees C",
            "Inlet Temp       | 04h | ok  |  7.1 | 24 degrees C",
            "PS Redundancy    | 77h | ok  |  7.1 | Fully Redundant",
        )
    )
    assert (found.power_redundancy, found.inlet_temperature_c) == ("Fully Redundant", 24.0)
    assert found.sources["inlet_temperature_c"] == "ipmi-sdr"


@pytest.mark.parametrize(
    "row",
    [
        "Inlet Temp       | 04h | ns  |  7.1 | No Reading",
        "Inlet Temp       | 04h | ok  |  7.1 | 75 degrees F",
        "Inlet_Margin     | 04h | ok  |  7.1 | 12 degrees C",
        "CPU1 Temp        | 04h | ok  |  7.1 | 60 degrees C",
    ],
)
def test_what_is_no_reading_of_the_air(row: str) -> None:
    assert isinstance(host(ipmi_sdr=sdr(row)).inlet_temperature_c, Missing)


@pytest.mark.parametrize(
    "status, kind, words",
    [
        ("tool-absent", Missing, "tool absent"),
        ("not-permitted", Missing, "not permitted"),
        ("timed-out", Missing, "timed out"),
        ("not-present", NotApplicable, "the host has no BMC device"),
    ],
)
def test_a_bmc_that_was_not_asked(status: str, kind: type, words: str) -> None:
    found = host(**dict.fromkeys(("ipmi_sdr", "ipmi_sel"), with_status(command(), status)))
    for fact in (found.power_supplies, found.inlet_temperature_c, found.bmc_events):
        assert isinstance(fact, kind)
        assert words in str(fact)


@pytest.mark.parametrize("inside", [{"lscpu": GUEST}, {"os": files({"/.dockerenv": ""})}])
def test_the_bmc_is_the_hosts(inside: Any) -> None:
    empty = command("SEL has no entries\n")
    found = host(ipmi_sdr=sdr("Inlet Temp | 24 degrees C | ok"), ipmi_sel=empty, **inside)
    for fact in (found.inlet_temperature_c, found.bmc_events, found.power_budget):
        assert isinstance(fact, Missing)
        assert fact.reason == "guest-view"


SEL = """   1 | 11/22/2026 | 12:00:00 | Power Supply PS1 Status | Power Supply AC lost | Asserted
   2 | 11/22/26 | 12:05:00 UTC | Power Supply PS1 Status | Power Supply AC lost | Deasserted
   f |  Pre-Init  |0000000012| Memory #0x87 | Correctable ECC | Asserted
"""


def test_events() -> None:
    supply = "Power Supply PS1 Status", "Power Supply AC lost"
    one, two, three = host(ipmi_sel=command(SEL)).bmc_events
    assert one == BmcEvent(*supply, True, 1.5)
    assert (two.is_asserted, round(two.age_days, 2)) == (False, 1.5)
    assert three == BmcEvent("Memory #0x87", "Correctable ECC", True, None)


def test_an_empty_log_and_one_that_is_none() -> None:
    assert host(ipmi_sel=command("SEL has no entries\n")).bmc_events == ()
    assert host(ipmi_sel=command("Get SEL Info command failed\n")).bmc_events.reason == "not-parsed"


SUPPLY = """Handle 0x0059, DMI type 39, 22 bytes
System Power Supply
\tLocation: PSU{0}
\tMax Power Capacity: {1}
\tStatus: {2}

"""
LIMIT = {"EnforcedPowerLimit": 450000, "PowerManagementDefaultLimit": 450000}


def budget(*supplies: str) -> Any:
    return understand(bare(**LIMIT).capture(dmidecode=command("".join(supplies)))).host.power_budget


def test_what_the_supplies_give() -> None:
    one, two = SUPPLY.format(1, "2000 W", "Present, OK"), SUPPLY.format(2, "2000 W", "Present, OK")
    assert budget(one, two) == PowerBudget(900.0, 1, (2000, 2000))
    assert budget(one, SUPPLY.format(2, "2000 W", "Not Present")).ratings_w == (2000,)


def test_the_sum_is_told_where_no_rating_is() -> None:
    for text in (SUPPLY.format(1, "Unknown", "Present, OK"), ""):
        words = "no rating of the supply is told; the cards' limits are 900 W together"
        assert budget(text) == Missing("not-present", words)


def test_no_sum_without_every_limit() -> None:
    assert isinstance(host(dmidecode=command("")).power_budget, Missing)
