"""Plan and start-up log side by side, each deviation explained or flagged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.capture import plain
from preflight.plan.answer import Plan
from preflight.plan.witness import Compared, Witness
from preflight.render.plan_rows import cards_words
from preflight.render.plan_terminal import columns, wrapped

_WORDS = {
    "weights_gib": "weights, GiB",
    "activation_gib": "activations, GiB",
    "graph_gib": "CUDA graphs, GiB",
    "kv_cache_gib": "KV cache, GiB",
    "kv_cache_tokens": "KV cache, tokens",
    "max_concurrency": "requests of full length",
}


def render(plan: Plan, witness: Witness, *, width: int) -> str:
    """One line a figure, then why what differs differs."""
    title = f"{plan.model.name} as {witness.layout.name} on {cards_words(plan.devices)}"
    cells = [["", "planned", "log", "deviation", ""]]
    cells += [_cells(row) for row in witness.rows]
    blocks = [plain(f"{title}, vLLM {plan.wish.vllm_version}")]
    if witness.rows:
        blocks.append("\n".join(columns(cells, left=1)))
    explained = dict.fromkeys(row.explanation for row in witness.rows if row.explanation)
    blocks += [wrapped(plain(words), width) for words in (*explained, *witness.words)]
    blocks.append(_verdict(witness))
    return "\n\n".join(blocks) + "\n"


def document(witness: Witness) -> Mapping[str, Any]:
    return {
        "layout": witness.layout.name,
        "agrees": witness.agrees,
        "rows": [
            {
                "name": row.name,
                "planned": row.planned and round(row.planned, 3),
                "logged": row.logged,
                "deviation": row.deviation and round(row.deviation, 4),
                "is_within": row.is_within,
                "explanation": row.explanation or None,
            }
            for row in witness.rows
        ],
        "words": list(witness.words),
    }


def _cells(row: Compared) -> list[str]:
    deviation = ""
    if row.deviation is not None:
        deviation = f"{row.deviation:+.1%}" if abs(row.deviation) < 2 else "far off"
    mark = "" if row.is_within else "explained" if row.explanation else "FLAGGED"
    return [_WORDS[row.name], _figure(row, row.planned), _figure(row, row.logged), deviation, mark]


def _figure(row: Compared, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if row.name == "kv_cache_tokens" else f"{value:,.2f}"


def _verdict(witness: Witness) -> str:
    if not witness.agrees:
        return "plan and log disagree on whether it runs"
    if witness.flagged:
        names = ", ".join(_WORDS[row.name] for row in witness.flagged)
        return f"not as planned, and nothing in the log says why: {names}"
    return (
        "as planned, as far as the log tells"
        if witness.rows
        else "the log has no figure to compare"
    )
