from __future__ import annotations

from preflight.checks.gpu_reachable import Limits, check
from preflight.findings import FAIL, PASS


def test_a_card_that_answers() -> None:
    assert check(Limits(), lost_signs=()).status is PASS


def test_one_sign_is_enough() -> None:
    finding = check(Limits(), lost_signs=("NVML: GPU_IS_LOST", "lspci: no answer (rev ff)"))
    assert finding.status is FAIL
    assert "NVML: GPU_IS_LOST; lspci: no answer (rev ff)" in finding.message
