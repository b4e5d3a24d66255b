from __future__ import annotations

import pytest

from preflight.checks.driver_library_match import Limits, check
from preflight.facts import DriverLibraries
from preflight.findings import FAIL, PASS, Status

MISMATCH = "Failed to initialize NVML: Driver/library version mismatch"


@pytest.mark.parametrize(
    "libraries, refusal, status",
    [
        ({"libcuda": "580.159.04", "libnvidia-ml": "580.159.04"}, "", PASS),
        ({"libcuda": "580.159.04", "libnvidia-ml": "580.126.09"}, "", FAIL),
        ({"libcuda": "580.159.04"}, MISMATCH, FAIL),
        ({}, MISMATCH, FAIL),
        ({}, "", Status.UNKNOWN),
    ],
)
def test_versions(libraries: dict[str, str], refusal: str, status: Status) -> None:
    facts = DriverLibraries("580.159.04", libraries, refusal)
    assert check(Limits(), driver_libraries=facts).status is status


def test_the_message_names_both_sides() -> None:
    facts = DriverLibraries("525.89.02", {"libcuda": "530.30.02"}, MISMATCH)
    finding = check(Limits(), driver_libraries=facts)
    assert "kernel module 525.89.02, libraries libcuda 530.30.02" in finding.message
