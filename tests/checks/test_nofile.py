from __future__ import annotations

import math

import pytest

from preflight.checks.nofile import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "limit, status", [(65536, PASS), (65535, WARN), (1024, WARN), (math.inf, PASS)]
)
def test_open_files(limit: float, status: Status) -> None:
    assert check(Limits(), open_files_limit=limit).status is status
