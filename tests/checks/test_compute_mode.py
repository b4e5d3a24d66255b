from __future__ import annotations

import pytest

from preflight.checks.compute_mode import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "mode, status",
    [
        ("Default", PASS),
        ("Exclusive Process", WARN),
        ("Exclusive Thread", WARN),
        ("Prohibited", FAIL),
    ],
)
def test_mode(mode: str, status: Status) -> None:
    finding = check(Limits(), compute_mode=mode)
    assert (finding.status, finding.measured, finding.expected) == (status, mode, "Default")


def test_a_policy_may_want_a_card_for_one_process() -> None:
    limits = Limits(accepted=("Exclusive Process",))
    assert check(limits, compute_mode="Exclusive Process").status is PASS
    assert check(limits, compute_mode="Default").status is WARN
