from __future__ import annotations

import pytest

from preflight.checks.controller_latency import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize("rtt, status", [(0.0005, PASS), (0.1, PASS), (0.101, WARN)])
def test_round_trip(rtt: float, status: Status) -> None:
    assert check(Limits(), controller_rtt_s=rtt).status is status
