from __future__ import annotations

from preflight.checks.compute_correct import Limits, check
from preflight.findings import FAIL, PASS


def test_one_difference_fails() -> None:
    assert check(Limits(), wrong_results=()).status is PASS
    wrong = check(Limits(), wrong_results=("tensor-bf16: not the sum of gpu1",))
    assert wrong.status is FAIL
    assert "gpu1" in wrong.message
