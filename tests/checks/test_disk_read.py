from __future__ import annotations

import pytest

from preflight.checks.disk_read import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.measured import measured


@pytest.mark.parametrize("got, status", [(2.0, PASS), (1.99, WARN), (0.5, WARN), (0.49, FAIL)])
def test_sequential_read(got: float, status: Status) -> None:
    assert check(Limits(), sequential_read=measured(got)).status is status


def test_the_minutes_of_a_load_are_told() -> None:
    finding = check(Limits(), sequential_read=measured(1.0))
    assert "140 GB of weights load in 2.3 minutes" in finding.message


@pytest.mark.parametrize("got, status", [(1.0, PASS), (0.99, WARN), (0.25, WARN), (0.24, FAIL)])
def test_a_policy_sets_both_limits(got: float, status: Status) -> None:
    finding = check(Limits(1.0, 0.25), sequential_read=measured(got))
    assert (finding.status, finding.measured, finding.expected) == (status, got, 1.0)
