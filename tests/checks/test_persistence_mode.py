from __future__ import annotations

import pytest

from preflight.checks.persistence_mode import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "fail_when_off, is_on, status",
    [(False, True, PASS), (False, False, WARN), (True, False, FAIL), (True, True, PASS)],
)
def test_mode(fail_when_off: bool, is_on: bool, status: Status) -> None:
    finding = check(Limits(fail_when_off), persistence_mode=is_on)
    assert (finding.status, finding.measured, finding.expected) == (status, is_on, True)


def test_off_only_warns_unless_a_policy_says_so() -> None:
    assert check(Limits(), persistence_mode=False).status is WARN
