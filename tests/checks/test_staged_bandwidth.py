from __future__ import annotations

import pytest

from preflight.checks.staged_bandwidth import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.measured import measured


@pytest.mark.parametrize(
    "got, family, status",
    [
        (12.0, "hopper", PASS),
        (11.9, "hopper", WARN),
        (8.0, "hopper", WARN),
        (7.9, "hopper", FAIL),
        (7.9, "ada", WARN),
        (7.9, None, WARN),
    ],
)
def test_part_of_the_slower_link(got: float, family: str | None, status: Status) -> None:
    finding = check(
        Limits(), staged_copy=measured(got), slower_host_copy_gb_s=20.0, peer_family=family
    )
    assert finding.status is status
