from __future__ import annotations

import pytest

from preflight.checks.cuda_environment import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "settings, status, words",
    [
        ((), PASS, "no variable changes what programs of CUDA see"),
        (
            ("CUDA_VISIBLE_DEVICES=0 of the login",),
            WARN,
            "set for every program: CUDA_VISIBLE_DEVICES=0 of the login",
        ),
        (("A=1", "B=2", "C=3", "D=4", "E=5"), WARN, "set for every program: A=1; B=2; C=3; D=4"),
    ],
)
def test_settings(settings: tuple[str, ...], status: Status, words: str) -> None:
    finding = check(Limits(), cuda_settings=settings)
    assert (finding.status, finding.measured, finding.message) == (status, settings, words)
