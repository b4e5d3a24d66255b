from __future__ import annotations

import pytest

from preflight.checks.ecc_mode import Limits, check
from preflight.facts import Card
from preflight.findings import PASS, WARN, Status
from tests.checks.cards import card

DATA_CENTER = card(form="data-center")


@pytest.mark.parametrize(
    "model, is_on, after_reboot, status",
    [
        (DATA_CENTER, True, True, PASS),
        (DATA_CENTER, False, False, WARN),
        (DATA_CENTER, True, False, WARN),
        (DATA_CENTER, True, None, PASS),
        (card(), False, False, PASS),  # a GeForce owes none
        (card(), False, True, WARN),
        (card(form="workstation"), False, False, PASS),  # as it leaves the factory
        (None, False, False, PASS),
    ],
)
def test_mode(model: Card | None, is_on: bool, after_reboot: bool | None, status: Status) -> None:
    finding = check(
        Limits(), ecc_enabled=is_on, ecc_enabled_after_reboot=after_reboot, catalog=model
    )
    assert (finding.status, finding.measured) == (status, is_on)


def test_what_a_reboot_will_change_is_told() -> None:
    finding = check(Limits(), ecc_enabled=True, ecc_enabled_after_reboot=False, catalog=card())
    assert finding.remedy
    assert finding.remedy.startswith("Reboot now")
    assert finding.message == "ECC is on, and will be off after the next reboot"


@pytest.mark.parametrize(
    "model, is_on, after_reboot, expected",
    [
        (DATA_CENTER, True, True, True),
        (DATA_CENTER, False, False, True),
        (DATA_CENTER, True, False, False),  # what the next reboot makes of it
        (card(), False, True, True),
        (card(), False, False, None),
        (None, True, None, None),
    ],
)
def test_the_mode_that_is_required_is_told(
    model: Card | None, is_on: bool, after_reboot: bool | None, expected: bool | None
) -> None:
    finding = check(
        Limits(), ecc_enabled=is_on, ecc_enabled_after_reboot=after_reboot, catalog=model
    )
    assert finding.expected is expected
