from __future__ import annotations

import pytest

from preflight.checks.systemd_failed import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "units, status",
    [((), PASS), (("nvidia-fabricmanager.service",), WARN), (("fwupd-refresh.service",), PASS)],
)
def test_units(units: tuple[str, ...], status: Status) -> None:
    limits = Limits(ignored=("fwupd-refresh.service",))
    assert check(limits, failed_units=units).status is status


def test_many_are_counted() -> None:
    for count, told in ((8, "a7.service"), (9, "a7.service and 1 more"), (11, "and 3 more")):
        found = check(Limits(), failed_units=tuple(f"a{n}.service" for n in range(count)))
        assert found.message.endswith(told)
