from __future__ import annotations

import pytest

from preflight.checks.xid_during_test import Limits, check
from preflight.facts import XidEvent
from preflight.findings import FAIL, PASS, Finding, Status
from preflight.xids import table


@pytest.mark.parametrize(
    "codes, status",
    [
        ((), PASS),
        ((43,), PASS),  # a process ended: the probe ends its own children
        ((13,), FAIL),
        ((31,), FAIL),
        ((80,), FAIL),
        ((94,), FAIL),  # rated warn elsewhere
        ((79,), FAIL),
        ((43, 79), FAIL),
        ((9999,), FAIL),
    ],
)
def test_what_appears_meanwhile(codes: tuple[int, ...], status: Status) -> None:
    events = tuple(XidEvent(code, "text", 1, 0, "now", "now") for code in codes)
    finding = check(Limits(), xids_during_test=events)
    assert finding.status is status
    assert finding.measured == codes


def found(*codes: int) -> Finding:
    events = tuple(XidEvent(code, "text", 1, 0, "now", "now") for code in codes)
    return check(Limits(), xids_during_test=events)


def test_what_fails_is_named_alone_and_the_first_of_it_says_what_to_do() -> None:
    assert "Xid 43 x1" in found(43).message
    mixed = found(43, 94, 79)
    assert mixed.message.startswith("while it was measured: Xid 94 x1")
    assert "Xid 43" not in mixed.message
    assert "Xid 79 x1" in mixed.message
    first, other = table()[94], table()[79]
    assert first.remedy_class != other.remedy_class
    assert (mixed.remedy, mixed.remedy_class) == (first.remedy, first.remedy_class)


def test_four_are_told() -> None:
    message = found(79, 94, 95, 48, 119).message
    assert message.count(" x1 (") == 4
