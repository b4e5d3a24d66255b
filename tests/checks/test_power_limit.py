from __future__ import annotations

import pytest

from preflight.checks.power_limit import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "limit, default, status",
    [
        (450.0, 450.0, PASS),
        (449.5, 450.0, PASS),
        (449.49, 450.0, WARN),
        (450.5, 450.0, PASS),
        (450.6, 450.0, WARN),
        (200.0, 350.0, WARN),
        (10.0, 0.0, WARN),
    ],
)
def test_watts(limit: float, default: float, status: Status) -> None:
    assert check(Limits(), power_limit_w=limit, power_limit_default_w=default).status is status


@pytest.mark.parametrize(
    "limit, default, words",
    [
        (200.0, 350.0, "(57% of the default: a clock about 17% lower at full load)"),
        (350.0, 480.0, "(73% of the default: a clock about 10% lower at full load)"),
        (530.0, 480.0, "(110% of the default)"),
        (479.9, 480.0, "required 480 W"),
    ],
)
def test_the_message_tells_the_share_and_what_it_costs(
    limit: float, default: float, words: str
) -> None:
    finding = check(Limits(), power_limit_w=limit, power_limit_default_w=default)
    assert finding.message.endswith(words)
