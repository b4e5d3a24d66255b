from __future__ import annotations

from preflight.checks.nouveau import Limits, check
from preflight.findings import FAIL, PASS


def test_loaded() -> None:
    bad, good = (check(Limits(), nouveau_loaded=loaded) for loaded in (True, False))
    assert (bad.status, bad.measured, bad.expected) == (FAIL, True, False)
    assert (good.status, good.measured, good.expected) == (PASS, False, False)
