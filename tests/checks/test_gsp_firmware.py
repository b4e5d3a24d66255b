from __future__ import annotations

import pytest

from preflight.checks.gsp_firmware import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "firmware, driver, status",
    [
        ("580.126.09", "580.126.09", PASS),
        ("580.95.05", "580.126.09", WARN),
        ("580.126.09", "580.126.9", WARN),
    ],
)
def test_versions(firmware: str, driver: str, status: Status) -> None:
    finding = check(Limits(), gsp_firmware=firmware, loaded_driver=driver)
    assert (finding.status, finding.measured, finding.expected) == (status, firmware, driver)


def test_only_a_difference_says_what_is_required() -> None:
    same = check(Limits(), gsp_firmware="580.95.05", loaded_driver="580.95.05")
    assert same.message == "firmware 580.95.05, driver 580.95.05"
    other = check(Limits(), gsp_firmware="580.95.05", loaded_driver="580.126.09")
    assert other.message == "firmware 580.95.05, driver 580.126.09: required the same"
