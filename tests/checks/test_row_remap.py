from __future__ import annotations

import pytest

from preflight.checks.row_remap import Limits, check
from preflight.facts import RemappedRows
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card

H100 = card(form="data-center", compute_capability="9.0")
A10 = card(form="data-center", compute_capability="8.6")


@pytest.mark.parametrize(
    "correctable, uncorrectable, status",
    [(0, 0, PASS), (90, 0, PASS), (0, 1, WARN), (0, 7, WARN), (0, 8, FAIL)],
)
def test_counts(correctable: int, uncorrectable: int, status: Status) -> None:
    rows = RemappedRows(correctable, uncorrectable, pending=False, failure=False)
    finding = check(Limits(), remapped_rows=rows)
    assert (finding.status, finding.measured, finding.expected) == (status, uncorrectable, 0)


@pytest.mark.parametrize(
    "model, is_idle, status",
    [
        (H100, True, WARN),  # contained, and free to be reset
        (card(form="data-center", compute_capability="8.0"), True, WARN),
        (card(form="data-center", compute_capability="10.0"), True, WARN),
        (H100, False, FAIL),
        (A10, True, FAIL),
        (None, True, FAIL),
    ],
)
def test_pending(model: object, is_idle: bool, status: Status) -> None:
    rows = RemappedRows(0, 1, pending=True, failure=False)
    finding = check(Limits(), remapped_rows=rows, catalog=model, is_idle=is_idle)  # type: ignore[arg-type]
    assert finding.status is status
    assert check(Limits(), remapped_rows=rows, catalog=H100).status is FAIL  # may be at work


def test_failure_means_replace() -> None:
    rows = RemappedRows(0, 0, pending=False, failure=True)
    finding = check(Limits(), remapped_rows=rows, catalog=H100, is_idle=True)
    assert (finding.status, finding.remedy_class) == (FAIL, "replace")


def test_many_remaps_mean_replace_and_few_mean_watch() -> None:
    many, few = (RemappedRows(0, n, pending=False, failure=False) for n in (8, 1))
    assert check(Limits(), remapped_rows=many).remedy_class == "replace"
    assert check(Limits(), remapped_rows=few).remedy_class == "watch"
