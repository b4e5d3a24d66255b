"""Estimates of speed against what was measured, and the constants against the fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.fit_speed import FITTED, error, fit, scored
from bench.speed_rows import Observation, observations
from preflight.plan.rates import rates

MOST = {1: 0.15, 4: 0.20, 8: 0.20, 32: 0.20, 0: 0.25}  # requests at once -> part; 0: prefill


@pytest.fixture(scope="module")
def rows(corpus: Path) -> list[Observation]:
    found = observations(corpus)
    assert len(found) >= 34
    return found


def test_every_dense_row_with_graphs_is_within_its_aim(rows: list[Observation]) -> None:
    missed = [
        f"{row.row} {row.what}: {error(row, rates()):+.1%}"
        for row in scored(rows)
        if abs(error(row, rates())) > MOST[row.batch]
    ]
    assert missed == []


def test_most_measured_figures_lie_in_the_range_that_is_told(rows: list[Observation]) -> None:
    told = [row.estimate(rates()) for row in rows]
    inside = [s.low <= row.tok_s <= s.high for s, row in zip(told, rows, strict=True)]
    assert sum(inside) >= 0.9 * len(rows)


def test_eager_rows_are_told_as_bound_by_the_host(rows: list[Observation]) -> None:
    eager = [row for row in rows if row.is_eager and 0 < row.batch <= 8]
    assert eager
    for row in eager:
        speed = row.estimate(rates())
        assert speed.bound_by == "host CPU (eager)"
        assert speed.low <= row.tok_s <= speed.high


def test_the_shipped_constants_are_those_of_the_fit(rows: list[Observation]) -> None:
    fitted = fit(scored(rows), rates())
    for name in FITTED:
        assert getattr(rates(), name) == pytest.approx(getattr(fitted, name), rel=0.02), name


def test_every_constant_has_a_source() -> None:
    assert set(FITTED) <= set(rates().sources)
    assert all(figure.source for figure in rates().sources.values())
