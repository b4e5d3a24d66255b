"""docs/accuracy.md says of memory what the planner makes of every known observation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from preflight.plan import memory
from preflight.plan.memory import requested_gib
from preflight.plan.shapes import GIB, Memory
from preflight.plan.weights import stored_bytes
from tests.plan import public_rows, truth
from tests.plan.fit import fit
from tests.plan.public_rows import PublicRow
from tests.plan.truth import Measured

_PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
_BEGIN, _END = "<!-- plan memory: begin -->\n", "<!-- plan memory: end -->\n"
_RUNTIME_GIB = 2.0  # of the rule of thumb: file size x 1.2 + 2 GiB


def test_the_page_tells_what_the_planner_makes_of_every_row(
    corpus: Path, rewrite: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = _measured_table(truth.measured(corpus), monkeypatch)
    made = "\n".join([*measured, "", *_public_table(public_rows.rows(corpus)), ""])
    page = _PAGE.read_text()
    head, found, rest = page.partition(_BEGIN)
    assert found, "docs/accuracy.md has no place for the table"
    told, _, tail = rest.partition(_END)
    if rewrite:
        _PAGE.write_text(head + _BEGIN + made + _END + tail)
    else:
        assert told == made, "run pytest tests/plan/test_accuracy_memory.py --rewrite"


def _measured_table(rows: list[Measured], monkeypatch: pytest.MonkeyPatch) -> Iterable[str]:
    heads = ("server", "weights GiB", "planned", "off", "KV tokens", "planned", "off", "left out")
    yield f"| {' | '.join((*heads, 'x1.2+2', '+20 %'))} |"
    yield f"|---|{'--:|' * 9}"
    sums = [0.0] * 5
    for row in rows:
        planned, unseen = row.planned(), _unseen(row, rows, monkeypatch)
        held, tokens = planned.ranks[0].weights_gib, row.kv_cache_tokens
        errors = [
            held / row.weights_gib - 1,
            planned.kv_cache_tokens / tokens - 1,
            unseen.kv_cache_tokens / tokens - 1,
            _by_rule(row, 1.2, _RUNTIME_GIB) / row.kv_cache_gib - 1,
            _by_rule(row, 1.2, 0.0) / row.kv_cache_gib - 1,
        ]
        sums = [total + abs(error) for total, error in zip(sums, errors, strict=True)]
        yield (
            f"| {row.name} | {row.weights_gib:.2f} | {held:.2f} | {errors[0]:+.1%} "
            f"| {tokens:,} | {planned.kv_cache_tokens:,} | {errors[1]:+.1%} | {errors[2]:+.1%} "
            f"| {errors[3]:+.0%} | {errors[4]:+.0%} |"
        )
    mean = [total / len(rows) for total in sums]
    yield (
        f"| mean of {len(rows)}, without sign | | | {mean[0]:.1%} | | | {mean[1]:.1%} "
        f"| {mean[2]:.1%} | {mean[3]:.0%} | {mean[4]:.0%} |"
    )


def _unseen(row: Measured, rows: list[Measured], monkeypatch: pytest.MonkeyPatch) -> Memory:
    """The plan with constants that were fitted without this row's model."""
    found = fit([other for other in rows if other.model.name != row.model.name])
    with monkeypatch.context() as patched:
        patched.setattr(memory, "constants", lambda: found)
        return row.planned()


def _by_rule(row: Measured, factor: float, runtime_gib: float) -> float:
    """GiB that a rule of thumb leaves for the cache."""
    taken = stored_bytes(row.model) / GIB * factor + runtime_gib
    return requested_gib(row.device, row.setup) - taken


def _public_table(rows: list[PublicRow]) -> Iterable[str]:
    yield "| row | server | seen | planned | off | why not held against it |"
    yield "|---|---|--:|--:|--:|---|"
    held = met = 0
    for row in rows:
        for seen, planned, off, is_met in row.compared():
            held += not row.reason
            met += is_met and not row.reason
            yield f"| {row.id} | {row.server} | {seen} | {planned} | {off} | {row.reason} |"
    yield f"| {len(rows)} rows | | | | | {met} of {held} figures held against it are met |"
