from __future__ import annotations

import pytest

from preflight.checks.xid_during_test import Limits, check
from preflight.facts import XidEvent
from preflight.findings import FAIL, PASS, Status


@pytest.mark.parametrize(
    "codes, status",
    [
        ((), PASS),
        ((43,), PASS),  # a process ended: the probe ends its own children
        ((13,), FAIL),
        ((31,), FAIL),
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
