from __future__ import annotations

import pytest

from preflight.checks.pid_max import Limits, check
from preflight.findings import PASS


@pytest.mark.parametrize("count, noted", [(32768, False), (32767, True), (4194304, False)])
def test_it_is_told_and_never_warns(count: int, noted: bool) -> None:
    finding = check(Limits(), pid_max=count)
    assert finding.status is PASS
    assert ("fewer than" in finding.message) is noted
