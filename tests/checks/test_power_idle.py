from __future__ import annotations

from typing import Any

import pytest

from preflight.checks.power_idle import Limits, check
from preflight.findings import PASS, WARN, Status
from tests.checks.cards import card
from tests.checks.measured import rest


@pytest.mark.parametrize(
    "seen, form, status",
    [
        ({"power_w": 40.0}, "geforce", PASS),
        ({"power_w": 40.1}, "geforce", WARN),
        ({"power_w": 129.0, "performance_state": "P0"}, "data-center", PASS),
        ({"power_w": 140.0}, "data-center", PASS),
        ({"power_w": 140.0}, "workstation", PASS),
        ({"power_w": 40.0, "utilization_percent": 5.0}, "geforce", PASS),
        ({"power_w": 140.1}, "data-center", WARN),
        ({"power_w": 300.0, "utilization_percent": 5.1}, "geforce", Status.UNKNOWN),
        ({"power_w": 300.0, "utilization_percent": None}, "geforce", Status.UNKNOWN),
        ({"power_w": None}, "geforce", Status.UNKNOWN),
    ],
)
def test_draw_at_rest(seen: dict[str, Any], form: str, status: Status) -> None:
    assert check(Limits(), rest=rest(**seen), catalog=card(form=form)).status is status
