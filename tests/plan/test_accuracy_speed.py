"""docs/accuracy.md says of speed what the planner makes of every known observation."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from bench.fit_speed import error, left_out, scored
from bench.speed_rows import CONTEXT_TOKENS, Observation, observations
from preflight.errors import UsageError
from preflight.plan import cards, lookup, throughput
from preflight.plan.links import link
from preflight.plan.rates import rates
from preflight.plan.shapes import Setup
from preflight.plan.throughput import Server
from preflight.versions import parse
from tests.plan.test_speed_truth import MOST

_PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
_BEGIN, _END = "<!-- plan speed: begin -->\n", "<!-- plan speed: end -->\n"


def test_the_page_tells_what_the_planner_makes_of_every_row(corpus: Path, rewrite: bool) -> None:
    rows = observations(corpus)
    made = "\n".join([*_measured_table(rows), "", *_public_table(corpus), ""])
    page = _PAGE.read_text()
    head, found, rest = page.partition(_BEGIN)
    assert found, "docs/accuracy.md has no place for the table"
    told, _, tail = rest.partition(_END)
    if rewrite:
        _PAGE.write_text(head + _BEGIN + made + _END + tail)
    else:
        assert told == made, "run pytest tests/plan/test_accuracy_speed.py --rewrite"


def _measured_table(rows: Sequence[Observation]) -> Iterable[str]:
    yield "| server | what | measured tok/s | planned | range | off | aim | left out |"
    yield "|---|---|--:|--:|---|--:|--:|--:|"
    told = rates()
    unseen = left_out(scored(rows), told)
    own, other, met = [], [], 0
    for row in rows:
        speed, off = row.estimate(told), error(row, told)
        aim, without = "range only", ""
        if not row.is_eager:
            own.append(abs(off))
            other.append(abs(error(row, unseen[row.model.name])))
            met += abs(off) <= MOST[row.batch]
            aim, without = f"{MOST[row.batch]:.0%}", f"{error(row, unseen[row.model.name]):+.1%}"
        name = f"{row.row}{' eager' if row.is_eager else ''}"
        yield (
            f"| {name} | {row.what} | {row.tok_s:,.1f} | {speed.tok_s:,.1f} "
            f"| {speed.low:,.0f}-{speed.high:,.0f} | {off:+.1%} | {aim} | {without} |"
        )
    count = len(own)
    yield (
        f"| mean of {count}, without sign | {met} of {count} within the aim | | | "
        f"| {sum(own) / count:.1%} | | {sum(other) / count:.1%} |"
    )


def _public_table(corpus: Path) -> Iterable[str]:
    yield "| row | server | requests | seen tok/s | planned | off | why not held against it |"
    yield "|---|---|--:|--:|--:|--:|---|"
    with (corpus / "planner-truth.csv").open(encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["decode_tok_s"]]
    for row in rows:
        seen, name = row["decode_tok_s"], f"{row['gpus']}x {row['gpu']}, {row['model']}"
        planned, reason = _planned(row), _reason(row)
        off = f"{planned / float(seen) - 1:+.0%}" if planned else ""
        shown = f"{planned:,.0f}" if planned else ""
        requests = row["decode_batch"]
        yield f"| {row['id']} | {name} | {requests} | {seen} | {shown} | {off} | {reason} |"
    yield f"| {len(rows)} rows, none with its method and batch stated | | | | | | |"


def _reason(row: dict[str, str]) -> str:
    """By columns that were known before anything was computed."""
    told = []
    version = parse(row["vllm_version"].split("/")[0].split(" ")[0].rstrip("+"))
    if version is None or version < (0, 20):
        told.append("older than 0.20, or not stated")
    if not row["decode_batch"].isdigit():
        told.append("how many requests ran is not stated")
    elif "bench" in row["notes"] or "input" in row["notes"]:
        told.append("prompts are in the figure's time")
    if "vllm_version" in row["inferred_fields"]:
        told.append("version inferred")
    if _model(row) is None:
        told.append("its config is not published with the row")
    return "; ".join(told) or "length of the requests not stated"


def _planned(row: dict[str, str]) -> float | None:
    """Where the number of requests and the model are known."""
    model = _model(row)
    try:
        card = cards.parse(f"{row['gpus']}x {row['gpu'].replace('GB', ' GB')}")
    except UsageError:
        card = ()
    if model is None or not card or not row["decode_batch"].isdigit():
        return None
    setup = Setup("0.20.0", int(row["tp"]), int(row["pp"]))
    devices = card[: setup.ranks]
    server = Server(model, devices, setup, link(devices, rates()), rates())
    return throughput.decode(server, int(row["decode_batch"]), CONTEXT_TOKENS).tok_s


def _model(row: dict[str, str]) -> throughput.Model | None:
    try:
        return lookup.known(row["model"])
    except UsageError:
        return None


@pytest.mark.parametrize("batch", sorted(MOST))
def test_each_aim_has_rows(corpus: Path, batch: int) -> None:
    assert [row for row in scored(observations(corpus)) if row.batch == batch]
