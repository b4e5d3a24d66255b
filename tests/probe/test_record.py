"""How a measurement repeats, and what becomes of its errors."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.probe.cuda import CudaError
from preflight.probe.record import FEWEST, MOST, Entry, Record


def kept_by(make: Any) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    make(Record(lambda words: None, lambda *keys_and_value: kept.append(keys_and_value[-1])))
    return kept


def repeated(*samples: float, within_s: float = 1000.0) -> list[float]:
    """The samples that are taken of those that would come."""
    left = list(samples)

    def make(record: Record) -> None:
        with record("x", "GB/s") as entry:
            entry.repeat(lambda: left.pop(0), within_s)

    found: list[float] = kept_by(make)[0]["samples"]
    return found


def test_samples_that_agree_are_enough() -> None:
    assert repeated(*[100.0] * 9) == [100.0] * FEWEST


def test_samples_that_scatter_go_on_until_the_last_ones_agree() -> None:
    assert repeated(90, 100, 100.4, 100, 100.2, 100.1, 100.1, 100.1, 1) == [
        *(90, 100, 100.4, 100, 100.2, 100.1, 100.1, 100.1),
    ]


def test_time_that_is_up_ends_it_with_two_at_least() -> None:
    assert repeated(1, 2, 3, 4, 5, 6, within_s=0.0) == [1, 2]


def test_there_is_a_most() -> None:
    assert len(repeated(*(float(n) for n in range(1, 200)))) == MOST


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (2, "skipped"),
        (222, "not-supported"),
        (801, "not-supported"),
        (719, "failed"),
        (3, "failed"),
    ],
)
def test_the_drivers_errors_are_statuses(code: int, status: str) -> None:
    def make(record: Record) -> None:
        with record("x", pci="0000:01:00.0"):
            raise CudaError("cuCall", code, "NAME")

    (entry,) = kept_by(make)
    assert (entry["status"], entry["detail"]) == (status, f"cuCall: NAME ({code})")


def test_what_is_no_error_of_the_driver_is_ours() -> None:
    def make(record: Record) -> None:
        with record("x"):
            raise KeyError("x")

    with pytest.raises(KeyError):
        kept_by(make)


def test_a_failure_does_not_hide_wrong_data_seen_before() -> None:
    def make(record: Record) -> None:
        with record("x") as entry:
            entry.wrong("one word differs")
            raise CudaError("cuCall", 719, "NAME")

    (entry,) = kept_by(make)
    assert entry["status"] == "wrong-data"
    assert entry["detail"] == "one word differs; then cuCall: NAME (719)"


def test_the_first_wrong_word_is_the_one_that_is_told() -> None:
    def make(record: Record) -> None:
        with record("x", source="a", target="b") as entry:
            assert isinstance(entry, Entry)
            entry.wrong("one")
            entry.wrong("two")

    (entry,) = kept_by(make)
    assert (entry["status"], entry["detail"]) == ("wrong-data", "one")
    assert (entry["from"], entry["to"]) == ("a", "b")
