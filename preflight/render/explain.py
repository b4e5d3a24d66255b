"""What a check means: its docstring, its facts and its limits, as text and as docs/checks.md."""

from __future__ import annotations

import difflib
import inspect
import re
import textwrap
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any

from preflight.checks import Check, registry
from preflight.engine import needs
from preflight.errors import UsageError

SUBJECTS = {
    "Host": "the host",
    "Gpu": "each card",
    "GpuPair": "each pair of cards",
    "PeerPath": "each direction between two cards",
    "FileSystem": "each file system",
}
SECTIONS = ("Why", "Fix", "Source")
_TITLE = """# Checks

Made from the checks themselves; `preflight explain CHECK` says the same. A policy changes a limit
under the check's name. A check whose facts could not be read is `unknown`, never passed.
"""


def named(check_id: str) -> Check:
    """The check of that name; UsageError with the nearest names where there is none."""
    known = {check.id: check for check in registry()}
    if check_id in known:
        return known[check_id]
    near = difflib.get_close_matches(check_id.replace("_", "-").lower(), known, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "preflight explain lists all"
    raise UsageError(f"no check is called {check_id[:80]!r}", hint)


def explain_id(check_id: str) -> str:
    return explain(named(check_id))


def explain(check: Check, width: int = 80) -> str:
    """What it looks at, why, how to mend it, and what decides, for a terminal."""
    blocks = [_filled(f"{check.id}: {check.title}", width), _filled(check.summary, width)]
    blocks += [_filled(text, width, f"{name}: ") for name, text in _sections(check)]
    blocks.append("\n".join(_filled(text, width, f"{name}: ") for name, text in _traits(check)))
    blocks.append("\n".join(_listed("Reads", _facts(check), width)))
    if limits := list(_limits(check)):
        blocks.append("\n".join(_listed("Limits, with their defaults", limits, width)))
    return "\n\n".join(blocks) + "\n"


def checks_page(checks: Sequence[Check]) -> str:
    """docs/checks.md: a table of all, then a section each."""
    rows = [
        f"| [{c.id}](#{c.id}) | {_literal(c.summary)} | {c.level} | {c.remedy_class} |"
        for c in checks
    ]
    table = "\n".join(["| check | passes where | level | remedy |", "|---|---|---|---|", *rows])
    return "\n".join([_TITLE, table, *map(_section, checks)])


def _section(check: Check) -> str:
    told = [f"\n## {check.id}\n", _literal(check.summary), ""]
    said = (*_sections(check), *_traits(check))
    told += [f"- **{name}**: {_literal(text)}" for name, text in said]
    told += ["- **Reads**: " + ", ".join(f"`{name}`" for name, _ in _facts(check))]
    if limits := list(_limits(check)):
        told += ["", "| limit and default | meaning |", "|---|---|"]
        told += [f"| `{limit}` | {_literal(meaning)} |" for limit, meaning in limits]
    return "\n".join([*told, ""])


def _sections(check: Check) -> list[tuple[str, str]]:
    return [(name, check.section(name)) for name in SECTIONS]


def _traits(check: Check) -> list[tuple[str, str]]:
    return [
        ("Level", check.level),
        ("Subject", SUBJECTS[check.subject.__name__]),
        ("Remedy", check.remedy_class),
    ]


def _facts(check: Check) -> list[tuple[str, str]]:
    comments = _comments(check.subject, above=False)  # there such lines head a group of facts
    return [(name, comments.get(name, "")) for name in needs(check)]


def _limits(check: Check) -> Iterator[tuple[str, str]]:
    comments = _comments(check.limits, above=True)
    for limit in fields(check.limits):
        yield f"{limit.name} = {_default(limit)}", comments.get(limit.name, "")


def _default(limit: Field[Any]) -> str:
    value = limit.default if limit.default_factory is MISSING else limit.default_factory()
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value)) or "none"
    return '""' if value == "" else str(value)


@cache
def _comments(kind: type, *, above: bool) -> dict[str, str]:
    """Field -> the comment that ends its lines, else with `above` the one on the lines before."""
    source = iter(inspect.getsource(kind).splitlines(keepends=True))
    ending: dict[str, list[str]] = {}
    before: dict[str, list[str]] = {}
    waiting: list[str] = []
    field = ""  # the statement that is being read; "" between two of them
    for token in tokenize.generate_tokens(lambda: next(source, "")):
        if token.type == tokenize.COMMENT:
            words = token.string.lstrip("#").strip()
            (ending.setdefault(field, []) if field else waiting).append(words)
        elif token.type == tokenize.NEWLINE:
            field = ""
        elif token.type == tokenize.NAME and not field:
            field = token.string
            before[field], waiting = waiting, []
    found = (before if above else {}) | ending
    return {name: " ".join(words) for name, words in found.items()}


def _filled(text: str, width: int, head: str = "") -> str:
    return textwrap.fill(head + text, width, subsequent_indent=" " * len(head))


def _listed(head: str, entries: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    yield f"{head}:"
    for name, meaning in entries:
        text = f"{name}: {meaning}" if meaning else name
        yield textwrap.fill(text, width, initial_indent="  ", subsequent_indent="    ")


def _literal(text: str) -> str:
    """Text that Markdown shows as it stands, in a table too."""
    return re.sub(r"([*|<\\])", r"\\\1", text)
