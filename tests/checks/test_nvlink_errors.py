from __future__ import annotations

import pytest

from preflight.checks.nvlink_errors import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "errors, total, status",
    [
        ({"replay": 0, "recovery": 0, "crc flit": 0}, 0, PASS),
        ({"replay": 1, "recovery": 0}, 1, WARN),
        ({"replay": 0, "recovery": 2, "crc flit": 3}, 5, WARN),
    ],
)
def test_errors(errors: dict[str, int], total: int, status: Status) -> None:
    finding = check(Limits(), nvlink_errors=errors)
    assert (finding.status, finding.measured) == (status, total)


def test_the_kinds_that_occurred_are_told() -> None:
    finding = check(Limits(), nvlink_errors={"replay": 0, "recovery": 2, "crc flit": 3})
    assert finding.message.endswith("(2 recovery, 3 crc flit)")
