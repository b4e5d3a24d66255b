from __future__ import annotations

import pytest

from preflight.checks.overcommit import Limits, check
from preflight.findings import PASS


@pytest.mark.parametrize("mode, noted", [(0, False), (1, False), (2, True)])
def test_it_is_told_and_never_warns(mode: int, noted: bool) -> None:
    finding = check(Limits(), overcommit_memory=mode)
    assert finding.status is PASS
    assert ("refused" in finding.message) is noted
