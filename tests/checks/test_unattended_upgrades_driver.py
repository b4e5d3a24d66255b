from __future__ import annotations

import pytest

from preflight.checks.unattended_upgrades_driver import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "is_on, unheld, status",
    [
        (False, ("nvidia-driver-580",), PASS),
        (True, (), PASS),
        (True, ("nvidia-driver-580",), WARN),
    ],
)
def test_upgrades(is_on: bool, unheld: tuple[str, ...], status: Status) -> None:
    finding = check(Limits(), upgrades_itself=is_on, driver_packages_unheld=unheld)
    assert finding.status is status
