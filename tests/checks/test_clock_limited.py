from __future__ import annotations

import pytest

from preflight.checks.clock_limited import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card


@pytest.mark.parametrize(
    "bandwidth_gb_s, status",
    [
        (1008.1, PASS),
        (988.0, PASS),
        (987.0, FAIL),
        (1038.0, PASS),
        (1039.0, WARN),
    ],
)
def test_memory_clock(bandwidth_gb_s: float, status: Status) -> None:
    finding = check(Limits(), memory_bandwidth_gb_s=bandwidth_gb_s, catalog=card())
    assert (finding.status, finding.expected) == (status, 1008)


@pytest.mark.parametrize("bandwidth_gb_s", [504.0, 2016.0])
def test_a_limit_itself_is_within(bandwidth_gb_s: float) -> None:
    limits = Limits(fail_below=0.5, warn_above=2.0)
    finding = check(limits, memory_bandwidth_gb_s=bandwidth_gb_s, catalog=card())
    assert finding.status is PASS


@pytest.mark.parametrize(
    "now, default, status",
    [
        (1980, 1980, PASS),
        (1410, 1980, WARN),
        (2100, 1980, PASS),
        (None, 1980, PASS),
        (1410, None, PASS),
    ],
)
def test_application_clocks(now: int | None, default: int | None, status: Status) -> None:
    finding = check(
        Limits(),
        memory_bandwidth_gb_s=1008.1,
        catalog=card(),
        clock_application_mhz=now,
        clock_application_default_mhz=default,
    )
    assert finding.status is status
