from __future__ import annotations

from preflight.checks.nouveau import Limits, check
from preflight.findings import FAIL, PASS


def test_loaded() -> None:
    assert check(Limits(), nouveau_loaded=True).status is FAIL
    assert check(Limits(), nouveau_loaded=False).status is PASS
