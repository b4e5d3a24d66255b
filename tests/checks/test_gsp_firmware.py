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
