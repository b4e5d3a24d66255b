from __future__ import annotations

import pytest

from preflight.checks.compute_correct import Limits, check
from preflight.findings import FAIL, PASS


def test_one_difference_fails() -> None:
    right = check(Limits(), wrong_results=())
    assert right.status is PASS
    assert right.message == "every result was right, bit for bit"
    wrong = check(Limits(), wrong_results=("tensor-bf16: not the sum of gpu1",))
    assert wrong.status is FAIL
    assert "gpu1" in wrong.message


@pytest.mark.parametrize(
    "count, words",
    [
        (1, "wrong results: sum 0"),
        (4, "wrong results: sum 0; sum 1; sum 2; sum 3"),
        (5, "wrong results: sum 0; sum 1; sum 2; sum 3; and 1 more"),
    ],
)
def test_four_are_told_and_the_others_counted(count: int, words: str) -> None:
    results = tuple(f"sum {n}" for n in range(count))
    finding = check(Limits(), wrong_results=results)
    assert (finding.message, finding.measured) == (words, results)
