from __future__ import annotations

import pytest

from preflight.checks.row_remap_headroom import Limits, check
from preflight.facts import RemapperBanks
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "none, low, partial, status",
    [(0, 0, 0, PASS), (0, 0, 7, PASS), (0, 1, 0, WARN), (1, 0, 0, FAIL), (1, 1, 0, FAIL)],
)
def test_banks(none: int, low: int, partial: int, status: Status) -> None:
    banks = RemapperBanks(none, low, partial, high=0, full=192)
    assert check(Limits(), remapper_banks=banks).status is status


def test_a_worn_bank_means_replace_and_a_low_one_watch() -> None:
    assert check(Limits(), remapper_banks=RemapperBanks(0, 1, 0, 0, 9)).remedy_class == "watch"
    assert check(Limits(), remapper_banks=RemapperBanks(1, 0, 0, 0, 9)).remedy_class is None
