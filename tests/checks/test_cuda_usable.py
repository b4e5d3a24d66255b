from __future__ import annotations

import pytest

from preflight.checks.cuda_usable import Limits, check
from preflight.findings import FAIL, PASS


def test_everything_ended_well() -> None:
    finding = check(Limits(), cuda_errors=())
    assert finding.status is PASS
    assert finding.message == "CUDA works: context, kernel and every measurement"


def test_one_error_is_enough_and_few_are_told() -> None:
    one = check(Limits(), cuda_errors=("cuda: failed: cuInit: CUDA_ERROR_SYSTEM_NOT_READY (802)",))
    assert one.status is FAIL
    assert "802" in one.message
    many = check(Limits(), cuda_errors=tuple(f"step {n}: timed out" for n in range(5)))
    assert "step 2" in many.message
    assert "step 3" not in many.message
    assert "and 2 more" in many.message


@pytest.mark.parametrize(
    "count, words",
    [
        (1, "CUDA: step 0"),
        (3, "CUDA: step 0; step 1; step 2"),
        (4, "CUDA: step 0; step 1; step 2; and 1 more"),
    ],
)
def test_three_are_told_and_the_others_counted(count: int, words: str) -> None:
    errors = tuple(f"step {n}" for n in range(count))
    finding = check(Limits(), cuda_errors=errors)
    assert (finding.message, finding.measured) == (words, errors)
