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


def rows(uncorrectable: int = 0, pending: bool = False, failure: bool = False) -> RemappedRows:
    return RemappedRows(0, uncorrectable, pending=pending, failure=failure)


@pytest.mark.parametrize(
    "before, after, status, remedy_class",
    [
        (rows(), rows(), PASS, None),
        (rows(1), rows(1), WARN, "watch"),
        (rows(1), rows(2), FAIL, None),
        (rows(0), rows(1), FAIL, None),
        (rows(), rows(pending=True), FAIL, None),
        (rows(), rows(failure=True), FAIL, "replace"),
        (rows(), rows(1, pending=True, failure=True), FAIL, "replace"),
        (rows(failure=True), rows(failure=True), FAIL, "replace"),
        (rows(pending=True), rows(pending=True), WARN, None),  # as it was: an idle card waits
    ],
)
def test_what_the_test_brought_to_light(
    before: RemappedRows, after: RemappedRows, status: Status, remedy_class: str | None
) -> None:
    found = check(
        Limits(), remapped_rows=before, catalog=H100, is_idle=True, remapped_rows_after_test=after
    )
    assert (found.status, found.remedy_class) == (status, remedy_class)


def test_it_is_told_that_it_came_in_the_test() -> None:
    grown = check(Limits(), remapped_rows=rows(3), remapped_rows_after_test=rows(5))
    assert grown.message == "rows remapped in the test: 2 uncorrectable, required 0"
    assert (grown.measured, grown.expected) == (2, 0)
    failed = check(Limits(), remapped_rows=rows(), remapped_rows_after_test=rows(failure=True))
    assert "failed in the test" in failed.message
    old = rows(failure=True)
    before = check(Limits(), remapped_rows=old, remapped_rows_after_test=old)
    assert "in the test" not in before.message
