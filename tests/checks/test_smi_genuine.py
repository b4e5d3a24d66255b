from __future__ import annotations

from preflight.checks.smi_genuine import Limits, check
from preflight.findings import FAIL, PASS, WARN


def test_agreement_passes() -> None:
    assert check(Limits(), smi_disagreements=()).status is PASS


def test_any_difference_fails_and_is_told() -> None:
    told = ("0000:41:00.0: name NVIDIA H200 by nvidia-smi, NVIDIA H100 by NVML",)
    finding = check(Limits(), smi_disagreements=told)
    assert (finding.status, finding.message) == (FAIL, told[0])


def test_a_library_before_all_others_warns_where_the_two_agree() -> None:
    finding = check(Limits(), smi_disagreements=(), preloaded=("/opt/a.so",))
    assert (finding.status, finding.measured) == (WARN, ("/opt/a.so",))
    assert finding.message == "put before every program's own libraries: /opt/a.so"
    assert "LD_PRELOAD" in str(finding.remedy)
    assert check(Limits(), smi_disagreements=("x",), preloaded=("/opt/a.so",)).status is FAIL
