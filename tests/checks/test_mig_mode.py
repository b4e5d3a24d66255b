from __future__ import annotations

import pytest

from preflight.checks.mig_mode import Limits, check
from preflight.findings import FAIL, PASS, Status


@pytest.mark.parametrize(
    "wanted, is_on, status",
    [(False, False, PASS), (False, True, FAIL), (True, True, PASS), (True, False, PASS)],
)
def test_mode(wanted: bool, is_on: bool, status: Status) -> None:
    finding = check(Limits(wanted), mig_enabled=is_on)
    assert (finding.status, finding.measured) == (status, is_on)


def test_nobody_wants_it_unless_a_policy_says_so() -> None:
    assert check(Limits(), mig_enabled=True).status is FAIL


@pytest.mark.parametrize("enabled, word", [(True, "on"), (False, "off")])
def test_the_state_is_told(enabled: bool, word: str) -> None:
    assert f"MIG is {word}" in check(Limits(), mig_enabled=enabled).message
