from __future__ import annotations

from preflight.checks.bar_assigned import Limits, check
from preflight.findings import FAIL, PASS


def test_all_windows_have_addresses() -> None:
    assert check(Limits(), unassigned_bars=()).status is PASS


def test_a_window_without_fails_and_is_named() -> None:
    finding = check(Limits(), unassigned_bars=("BAR 1", "BAR 3"))
    assert (finding.status, finding.message) == (FAIL, "without an address: BAR 1, BAR 3")
