from __future__ import annotations

import pytest

from preflight.checks.sxid import Limits, check
from preflight.facts import SwitchError
from preflight.findings import FAIL, PASS, WARN

FATAL = SwitchError(20034, "0000:05:00.0", True, "Fatal, Link 63 LTSSM Fault Up", 2, 0, "9.0")
MILD = SwitchError(12028, "0000:06:00.0", False, "Non-fatal, Link 32 egress", 1, 0, "8.0")


def test_none_passes() -> None:
    assert check(Limits(), sxids=()).status is PASS


def test_non_fatal_warns_and_asks_for_no_reboot() -> None:
    finding = check(Limits(), sxids=(MILD,))
    assert (finding.status, finding.remedy_class) == (WARN, "watch")


def test_fatal_fails_and_is_told_first() -> None:
    finding = check(Limits(), sxids=(MILD, FATAL))
    assert (finding.status, finding.measured) == (FAIL, (12028, 20034))
    assert finding.remedy_class is None  # the check's own, not that of the mild one
    assert finding.message.startswith(
        "SXid 20034 x2 at 0000:05:00.0 (last 9 s after boot): Fatal, Link 63"
    )


def test_a_policy_may_take_fatal_ones_for_a_warning() -> None:
    assert check(Limits(fail_when_fatal=False), sxids=(FATAL,)).status is WARN


@pytest.mark.parametrize("count, more", [(4, ""), (5, "1 more"), (6, "2 more")])
def test_four_are_told_and_the_rest_counted(count: int, more: str) -> None:
    message = check(Limits(), sxids=(MILD,) * count).message
    assert message.count("SXid 12028") == 4
    assert message.endswith(more or "Link 32 egress")
