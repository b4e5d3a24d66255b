"""A plan as Markdown, for a ticket."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from preflight.capture import plain
from preflight.plan.answer import Plan
from preflight.plan.comparison import Comparison
from preflight.plan.ranking import Choice
from preflight.render.plan_rows import Row, cards_words, compared, headings, rows

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~])")


def render(plan: Plan, choice: Choice) -> str:
    """The table of layouts, the recommendation, and its settings as they go into files."""
    best = choice.recommended
    title = f"{plan.model.name} on {cards_words(plan.devices)}, vLLM {plan.wish.vllm_version}"
    blocks = [f"## {text(title)}", _table(rows(plan, best), headings(plan)), text(choice.why)]
    blocks += [
        f"- **{row.layout}**: {text(row.refusal)}" for row in rows(plan, best) if row.refusal
    ]
    if best is not None:
        settings = [f"{name}: {_value(value)}" for name, value in best.advice.vllm.items()]
        blocks.append(_code("yaml", settings))
        if best.advice.env:
            blocks.append(_code("sh", [f"{k}={v}" for k, v in best.advice.env.items()]))
        blocks.append("\n".join(_reasons(best.advice.reasons)))
    blocks += [text(f"Note: {note}") for note in plan.notes]
    return "\n\n".join(blocks) + "\n"


def render_comparison(comparison: Comparison) -> str:
    """Several sets of cards, which to take, and why the others do not do."""
    head, *lines = compared(comparison)
    table = [_line(head), _line(["---", "---", *("---:" for _ in head[2:])])]
    for cells, one in zip(lines, comparison.options, strict=True):
        words = [text(cell) for cell in cells]
        is_best = one is comparison.recommended
        table.append(_line([f"**{words[0]}**" if is_best else words[0], *words[1:]]))
    best = comparison.options[0].plan
    refused = [f"- {text(o.name)}: {text(o.choice.why)}" for o in comparison.options if not o.best]
    title = f"## {text(best.model.name)}, vLLM {text(best.wish.vllm_version)}"
    blocks = [title, "\n".join(table), text(comparison.why), *refused]
    return "\n\n".join(blocks) + "\n"


def text(words: str) -> str:
    """Words of others as words: nothing in them is markup."""
    return _MARKUP.sub(r"\\\1", plain(words))


def _table(told: Sequence[Row], names: Sequence[str]) -> str:
    fitting = [row for row in told if not row.refusal]
    if not fitting:
        return "No layout fits."
    lines = [_line(["layout", *names]), _line(["---", *("---:" for _ in names)])]
    for row in fitting:
        name = f"**{row.layout}**" if row.is_recommended else row.layout
        lines.append(_line([name, *row.cells]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(language: str, lines: Sequence[str]) -> str:
    body = "\n".join(plain(line).replace("```", "'''") for line in lines)
    return f"```{language}\n{body}\n```"


def _reasons(told: Mapping[str, str]) -> list[str]:
    return [f"- `{plain(name)}`: {text(reason)}" for name, reason in told.items()]


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
