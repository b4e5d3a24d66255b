"""Fits the memory model's two free constants to measured rows, by least squares.

What a server left for its KV cache is what it requested less weights, the widest layer, graphs,
and `activation_hidden` hidden-sized tensors and `context_gib`: linear in the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from preflight.plan import activation
from preflight.plan.constants import Constants, constants
from preflight.plan.memory import requested_gib
from preflight.plan.shapes import GIB
from preflight.plan.weights import rank_bytes
from tests.plan.truth import Measured


def fit(rows: Sequence[Measured]) -> Constants:
    """The shipped constants with those two fitted to these rows."""
    points = [_point(row) for row in rows]
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return replace(constants(), activation_hidden=slope, context_gib=mean_y - slope * mean_x)


def _point(row: Measured) -> tuple[float, float]:
    """GiB of one hidden-sized tensor, and GiB that are left to explain."""
    none = replace(constants(), activation_hidden=0.0, context_gib=0.0)
    major = row.device.compute_capability[0]
    explained = (
        rank_bytes(row.model, row.setup, 0, row.device.compute_capability) / GIB
        + activation.peak_gib(row.model, row.setup, 0, none)
        + activation.graph_gib(row.model, row.setup, 0, major, none)
    )
    left = requested_gib(row.device, row.setup) - row.kv_cache_gib - explained
    return row.setup.max_num_batched_tokens * 2 * row.model.hidden_size / GIB, left
