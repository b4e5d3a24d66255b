from __future__ import annotations

from preflight.checks.power_cable_attached import Limits, check
from preflight.findings import FAIL, PASS


def test_no_sign_passes() -> None:
    assert check(Limits(), power_cable_signs=()).status is PASS


def test_any_sign_fails_and_is_told() -> None:
    signs = ("NVML: INSUFFICIENT_POWER", "Xid 54: power cables")
    finding = check(Limits(), power_cable_signs=signs)
    assert (finding.status, finding.message) == (FAIL, "; ".join(signs))
