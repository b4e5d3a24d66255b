"""A plan for a person's terminal: what fits and how fast, why not the others, how to set it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from preflight.capture import plain
from preflight.plan.answer import Candidate, Plan
from preflight.plan.comparison import Comparison
from preflight.plan.ranking import Choice
from preflight.plan.shapes import Model
from preflight.render.plan_rows import Bar, Row, cards_words, compared, headings, rows, span, tokens

_BAR_WIDTH = 12
_LETTERS = {True: ("█", "▓", "░", "·"), False: ("#", "+", "-", ".")}
_GREEN, _DIM, _BOLD, _RESET = "\x1b[32m", "\x1b[2m", "\x1b[1m", "\x1b[0m"


def render(plan: Plan, choice: Choice, *, width: int, color: bool, unicode: bool) -> str:
    paint = _Paint(color)
    best = choice.recommended
    blocks = [
        _head(plan, paint),
        _table(rows(plan, best), headings(plan), paint, width, unicode),
        _legend(plan, unicode),
        wrapped(choice.why, width),
    ]
    if best is not None:
        blocks += [_speed_lines(best, plan, width), _settings(best, paint, width)]
    blocks += [wrapped(f"note: {note}", width) for note in _notes(plan, best)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def render_comparison(comparison: Comparison, *, width: int, color: bool) -> str:
    """One line a set of cards."""
    paint = _Paint(color)
    lines = columns(compared(comparison), left=2)
    told = [paint.bold(lines[0])]
    for line, one in zip(lines[1:], comparison.options, strict=True):
        told.append(paint.green(line) if one is comparison.recommended else line)
    refused = [
        wrapped(f"{one.name}: {one.choice.why}", width)
        for one in comparison.options
        if one.best is None
    ]
    model = comparison.options[0].plan.model
    blocks = [_model(model), "\n".join(told), *refused, wrapped(comparison.why, width)]
    return "\n\n".join(blocks) + "\n"


class _Paint:
    def __init__(self, color: bool) -> None:
        self._color = color

    def green(self, text: str) -> str:
        return self._with(_GREEN, text)

    def dim(self, text: str) -> str:
        return self._with(_DIM, text)

    def bold(self, text: str) -> str:
        return self._with(_BOLD, text)

    def _with(self, code: str, text: str) -> str:
        return f"{code}{text}{_RESET}" if self._color else text


def _head(plan: Plan, paint: _Paint) -> str:
    wish = plan.wish
    asked = f"{wish.input_tokens} tokens in, {wish.output_tokens} out"
    price = f", {plan.price_per_hour} an hour" if plan.price_per_hour else ""
    first = f"{_model(plan.model)}"
    second = f"on {cards_words(plan.devices)}, vLLM {wish.vllm_version}; {asked}{price}"
    return f"{paint.bold(first)}\n{second}"


def _model(model: Model) -> str:
    used = model.parameters_used
    mixture = f", {used / 1e9:.3g}e9 used by a token" if used < 0.9 * model.parameters else ""
    return plain(
        f"{model.name}: {model.parameters / 1e9:.4g}e9 parameters in {model.format.name}{mixture}"
    )


def _table(
    told: Sequence[Row], names: Sequence[str], paint: _Paint, width: int, unicode: bool
) -> str:
    fitting = [row for row in told if not row.refusal]
    lines: list[str] = []
    if fitting:
        cells = [["layout", _bar_heading(fitting), *names]]
        cells += [[row.layout, _bar(row.bar, unicode), *row.cells] for row in fitting]
        head, *body = columns(cells, left=2)
        lines.append(paint.bold(head))
        for row, line in zip(fitting, body, strict=True):
            lines.append(paint.green(line) if row.is_recommended else line)
    for row in told:
        if row.refusal:
            lines.append(paint.dim(wrapped(f"{row.layout:<9}{row.refusal}", width, 9)))
    return "\n".join(lines)


def _bar_heading(fitting: Sequence[Row]) -> str:
    sizes = [row.bar.card_gib for row in fitting if row.bar]
    return f"of {sizes[0]:.1f} GiB" if len(set(sizes)) == 1 else "fullest card"


def _bar(bar: Bar | None, unicode: bool) -> str:
    if bar is None:
        return " " * _BAR_WIDTH
    text, ends = "", 0.0
    for share, letter in zip(
        (bar.weights, bar.working, bar.cache), _LETTERS[unicode], strict=False
    ):
        ends += share
        text += letter * (round(ends * _BAR_WIDTH) - len(text))
    return text.ljust(_BAR_WIDTH, _LETTERS[unicode][3])[:_BAR_WIDTH]


def _legend(plan: Plan, unicode: bool) -> str:
    if not any(one.fits for one in plan.candidates):
        return ""
    weights, working, cache, _ = _LETTERS[unicode]
    return (
        f"{weights} weights  {working} activations, context, graphs  {cache} KV cache of the "
        "fullest card\nKV cache and longest request in tokens; tokens a second over so many "
        "requests, and of prompts;\nserved: of answers with "
        f"{plan.wish.concurrency} requests at once, the time for their prompts counted"
    )


def columns(cells: Sequence[Sequence[str]], left: int) -> list[str]:
    """Lines of a table; the first `left` columns stand left, figures right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(w) if number < left else cell.rjust(w)
            for number, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _speed_lines(best: Candidate, plan: Plan, width: int) -> str:
    lines = []
    for batch in plan.wish.batches:
        speed = best.decode[batch]
        waiting = f", {batch - speed.batch} waiting" if speed.batch < batch else ""
        lines.append(
            f"  {batch:>4} at once: {span(speed)} tok/s, bound by {speed.bound_by}{waiting}"
        )
    scale = best.scaling
    if scale and best.cards > 1:
        lost = ", ".join(f"{share:.0%} {name}" for name, share in scale.lost.items())
        lines.append(
            f"  against one card: {scale.at_one:.2f}x for one request, {scale.at_many:.2f}x at "
            f"{plan.wish.concurrency}{' (lost: ' + lost + ')' if lost else ''}"
        )
    if best.gains:
        gains = ", ".join(f"{name} +{tokens(more)}" for name, more in best.gains.items())
        lines.append(f"  more cache, in tokens: {gains}")
    head = f"{best.layout.name}, as a range"
    return "\n".join([head, *(wrapped(line, width, 4) for line in lines)])


def _settings(best: Candidate, paint: _Paint, width: int) -> str:
    lines = [f"vllm serve --config: settings of {best.layout.name}"]
    reasons = best.advice.reasons
    told = [(f"{name}: {_value(value)}", name) for name, value in best.advice.vllm.items()]
    told += [(f"{name}={value}", name) for name, value in best.advice.env.items()]
    room = max((len(text) for text, _ in told), default=0) + 4
    for text, name in told:
        line = f"  {plain(text)}".ljust(room) + plain(reasons.get(name, ""))
        lines.append(wrapped(line, width, room))
    return "\n".join(lines)


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _notes(plan: Plan, best: Candidate | None) -> list[str]:
    own = best.notes if best else ()
    return [plain(note) for note in dict.fromkeys((*plan.notes, *own))]


def wrapped(text: str, width: int, indent: int = 0) -> str:
    lead = text[: len(text) - len(text.lstrip())]
    return textwrap.fill(
        text.lstrip(),
        width=max(width, 40),
        initial_indent=lead,
        subsequent_indent=" " * max(indent, len(lead)),
        break_long_words=False,
        replace_whitespace=False,
        drop_whitespace=True,
    )
