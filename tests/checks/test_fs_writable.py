from __future__ import annotations

import pytest

from preflight.checks.fs_writable import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "read_only, root, status",
    [(False, True, PASS), (True, True, FAIL), (True, False, WARN), (False, False, PASS)],
)
def test_read_only(read_only: bool, root: bool, status: Status) -> None:
    assert check(Limits(), is_read_only=read_only, holds_system=root).status is status


def test_a_policy_may_let_a_live_system_be() -> None:
    finding = check(Limits(fail_the_root=False), is_read_only=True, holds_system=True)
    assert finding.status is WARN


def test_another_file_system_is_no_systems() -> None:
    alone = check(Limits(), is_read_only=True)
    assert alone.status is check(Limits(), is_read_only=True, holds_system=False).status
    assert alone.status is not check(Limits(), is_read_only=True, holds_system=True).status
