"""Find the constants of speed on the measured rows; then with each model left out in turn.

    .venv/bin/python bench/fit_speed.py [FOLDER]    the folder that holds the tables

Prints the constants as they stand in preflight/plan/speed.yaml, the error of each figure with them,
and the error of each model's figures with constants that never saw that model.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.speed_rows import Observation, observations
from preflight.plan.rates import Rates, rates

FITTED = (
    "bandwidth_share",
    "cache_share",
    "layer_us",
    "quantise_us",
    "request_us",
    "unpack_g_s",
    "matmul_share_16",
    "matmul_share_8",
)
# No kernel reaches more of a memory's nominal rate than a plain read does (0.87 to 0.95).
_MOST = {"bandwidth_share": 0.95, "cache_share": 0.95}
_START = {
    "bandwidth_share": 0.85,
    "cache_share": 0.85,
    "layer_us": 40.0,
    "quantise_us": 10.0,
    "request_us": 10.0,
    "unpack_g_s": 25.0,
    "matmul_share_16": 0.65,
    "matmul_share_8": 0.65,
}
_UNKNOWN = {"unpack_g_s": 1e6}  # no limit, where no row could show one
_DAMPING, _NUDGE, _ROUNDS = 1e-3, 1e-3, 25


def fit(rows: Sequence[Observation], told: Rates) -> Rates:
    """The least sum of squared logarithms of estimate over measurement (Gauss-Newton, damped)."""
    logs = {name: math.log(value) for name, value in _START.items()}
    told = _with(told, logs)
    for name in _unseen(rows, told, logs):
        told = _changed(told, {name: _UNKNOWN.get(name, _START[name])})
        del logs[name]
    for _ in range(_ROUNDS):
        residuals = _residuals(rows, _with(told, logs))
        slopes = [_slopes(rows, told, logs, name, residuals) for name in logs]
        steps = _solve(slopes, residuals)
        for name, step in zip(logs, steps, strict=True):
            most = math.log(_MOST[name]) if name in _MOST else math.inf
            logs[name] = min(logs[name] - max(-0.5, min(0.5, step)), most)
    return _with(told, logs)


def _with(told: Rates, logs: Mapping[str, float]) -> Rates:
    return _changed(told, {name: math.exp(value) for name, value in logs.items()})


def _changed(told: Rates, values: Mapping[str, float]) -> Rates:
    return Rates(**{**vars(told), **values})


def _residuals(rows: Sequence[Observation], told: Rates) -> list[float]:
    return [math.log(row.estimate(told).tok_s / row.tok_s) for row in rows]


def _slopes(
    rows: Sequence[Observation],
    told: Rates,
    logs: Mapping[str, float],
    name: str,
    residuals: Sequence[float],
) -> list[float]:
    """How each residual moves with the logarithm of one constant."""
    nudged = _residuals(rows, _with(told, {**logs, name: logs[name] + _NUDGE}))
    return [(after - before) / _NUDGE for after, before in zip(nudged, residuals, strict=True)]


def _unseen(rows: Sequence[Observation], told: Rates, logs: Mapping[str, float]) -> list[str]:
    """Constants that none of these rows depends on."""
    residuals = _residuals(rows, told)
    return [name for name in logs if not any(_slopes(rows, told, logs, name, residuals))]


def _solve(slopes: Sequence[Sequence[float]], residuals: Sequence[float]) -> list[float]:
    """The damped normal equations, by elimination."""
    size = len(slopes)
    table = [
        [_dot(slopes[i], slopes[j]) + _DAMPING * (i == j) for j in range(size)]
        + [_dot(slopes[i], residuals)]
        for i in range(size)
    ]
    for i in range(size):
        pivot = max(range(i, size), key=lambda row: abs(table[row][i]))
        table[i], table[pivot] = table[pivot], table[i]
        for row in range(size):
            if row != i:
                factor = table[row][i] / table[i][i]
                table[row] = [a - factor * b for a, b in zip(table[row], table[i], strict=True)]
    return [table[i][size] / table[i][i] for i in range(size)]


def _dot(one: Sequence[float], two: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, two, strict=True))


def scored(rows: Sequence[Observation]) -> list[Observation]:
    return [row for row in rows if not row.is_eager]


def error(row: Observation, told: Rates) -> float:
    """The estimate's deviation as a part of what was measured."""
    return row.estimate(told).tok_s / row.tok_s - 1


def left_out(rows: Sequence[Observation], told: Rates) -> dict[str, Rates]:
    """For each model the constants fitted without any of its rows."""
    names = {row.model.name for row in rows}
    return {name: fit([r for r in rows if r.model.name != name], told) for name in sorted(names)}


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared")
    rows = scored(observations(folder))
    fitted = fit(rows, rates())
    for name in FITTED:
        print(f"{name}: {getattr(fitted, name):.4g}")
    without = left_out(rows, rates())
    for row in rows:
        own, other = error(row, fitted), error(row, without[row.model.name])
        print(f"{row.row:<32} {row.what:<10} {row.tok_s:>9.1f} {own:+7.1%}  left out {other:+7.1%}")


if __name__ == "__main__":
    main()
