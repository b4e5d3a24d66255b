from __future__ import annotations

from preflight.checks.gpu_reachable import Limits, check
from preflight.findings import FAIL, PASS


def test_a_card_that_answers() -> None:
    assert check(Limits(), lost_signs=()).status is PASS


def test_one_sign_is_enough() -> None:
    finding = check(Limits(), lost_signs=("NVML: GPU_IS_LOST", "lspci: no answer (rev ff)"))
    assert finding.status is FAIL
    assert "NVML: GPU_IS_LOST; lspci: no answer (rev ff)" in finding.message


def test_a_card_that_the_test_lost() -> None:
    lost = check(Limits(), lost_signs=(), lost_after_test=("NVML: GPU_IS_LOST",))
    assert lost.status is FAIL
    assert lost.message == "no longer answers after the test: NVML: GPU_IS_LOST"
    before = check(Limits(), lost_signs=("rev ff",), lost_after_test=("NVML: GPU_IS_LOST",))
    assert before.message == "no longer answers on its bus: rev ff"
