from __future__ import annotations

import pytest

from preflight.checks.retired_pages import Limits, check
from preflight.facts import RetiredPages
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "single, double, status, remedy_class",
    [
        (0, 0, PASS, None),
        (50, 9, PASS, None),
        (50, 10, WARN, "replace"),
        (60, 2, WARN, "replace"),
        (60, 3, FAIL, "replace"),
        (0, 64, FAIL, "replace"),
    ],
)
def test_count(single: int, double: int, status: Status, remedy_class: str | None) -> None:
    finding = check(Limits(), retired_pages=RetiredPages(single, double, pending=False))
    assert finding.measured == single + double
    assert (finding.status, finding.remedy_class) == (status, remedy_class)


def test_pending_fails_whatever_the_count() -> None:
    finding = check(Limits(), retired_pages=RetiredPages(0, 1, pending=True))
    assert (finding.status, finding.remedy_class) == (FAIL, None)  # a reset, as of the check
