from __future__ import annotations

import pytest

from preflight.checks.uptime import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize("seconds, status", [(599.9, WARN), (600.0, PASS), (34.0, WARN)])
def test_age_of_the_log(seconds: float, status: Status) -> None:
    assert check(Limits(), uptime_s=seconds).status is status


@pytest.mark.parametrize(
    "seconds, words",
    [
        (34.2, "0 min, required 10 min"),
        (3600.0, "1 h 0 min"),
        (90000.0, "25 h 0 min"),
        (2633003.1, "30 days"),
    ],
)
def test_a_person_reads_hours_and_days(seconds: float, words: str) -> None:
    assert f"up for {words}" in check(Limits(), uptime_s=seconds).message
