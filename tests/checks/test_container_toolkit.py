from __future__ import annotations

import pytest

from preflight.checks.container_toolkit import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "version, status",
    [("", WARN), ("1.13.5", WARN), ("1.14.0", PASS), ("1.14.6", PASS), ("1.9.0", WARN)],
)
def test_version(version: str, status: Status) -> None:
    finding = check(Limits(), container_toolkit=version)
    assert (finding.status, finding.expected) == (status, "1.14.0")
