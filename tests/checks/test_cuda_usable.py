from __future__ import annotations

from preflight.checks.cuda_usable import Limits, check
from preflight.findings import FAIL, PASS


def test_everything_ended_well() -> None:
    assert check(Limits(), cuda_errors=()).status is PASS


def test_one_error_is_enough_and_few_are_told() -> None:
    one = check(Limits(), cuda_errors=("cuda: failed: cuInit: CUDA_ERROR_SYSTEM_NOT_READY (802)",))
    assert one.status is FAIL
    assert "802" in one.message
    many = check(Limits(), cuda_errors=tuple(f"step {n}: timed out" for n in range(5)))
    assert "step 2" in many.message
    assert "step 3" not in many.message
    assert "and 2 more" in many.message
