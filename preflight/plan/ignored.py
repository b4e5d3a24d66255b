"""Lists of layers' names as quantisation configs write them: exact, by part, with `*`, or `re:`.

The lists come from strangers: a regular expression is taken only where it cannot run away.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

_MAX_PATTERNS = 400
# No repeated groups, no nested or many repetitions: what is left takes polynomial time on names
# of a hundred letters.
_REPEATED_GROUP = re.compile(r"\)[*+{?]")
_REPETITION = re.compile(r"[*+{]")
_MAX_REPETITIONS = 4
_MAX_PATTERN = 400
# words of other families' checkpoints -> ours
_WORDS = {
    "shared_experts": "shared_expert",
    "block_sparse_moe": "mlp",
    "feed_forward": "mlp",
    "w1": "gate_proj",
    "w2": "down_proj",
    "w3": "up_proj",
}


@dataclass(frozen=True)
class Names:
    """`exact` are whole names or parts of them, dot by dot."""

    exact: frozenset[str] = frozenset()
    globs: tuple[str, ...] = ()
    expressions: tuple[re.Pattern[str], ...] = ()
    left_out: int = 0  # entries that could not be matched safely

    def take(self, name: str) -> bool:
        """Whether the list names this layer, or a part of the model in which it lies."""
        if self.exact and not self.exact.isdisjoint(_parts(name)):
            return True
        return any(fnmatchcase(name, glob) for glob in self.globs) or any(
            expression.match(full)
            for called in (_spellings(name) if self.expressions else ())
            for full in _full(called)
            for expression in self.expressions
        )


NONE = Names()


def names(listed: Iterable[str]) -> Names:
    """From a config's list; what cannot be matched safely is left out and counted."""
    exact: set[str] = set()
    globs: list[str] = []
    expressions: list[re.Pattern[str]] = []
    left_out = 0
    for entry in listed:
        if len(globs) + len(expressions) >= _MAX_PATTERNS:
            left_out += 1
        elif entry.startswith("re:"):
            compiled = _safe(entry[3:])
            expressions += compiled
            left_out += not compiled
        elif "*" in entry or "?" in entry:
            globs.append(_canonical(entry))
        else:
            exact.add(_canonical(entry))
    return Names(frozenset(exact), tuple(globs), tuple(expressions), left_out)


def _canonical(name: str) -> str:
    """Without what stands before the layers, in the words that are used here.

    "model.language_model.layers.0.block_sparse_moe.gate" -> "layers.0.mlp.gate"
    """
    if "vis" in name.partition("layers.")[0]:
        return name
    start = name.find("layers.")
    if start < 0:
        return name.removesuffix(".")
    words = name[start:].split(".")
    return ".".join(_WORDS.get(word, word) for word in words)


def _spellings(name: str) -> tuple[str, ...]:
    """The names by which checkpoints of other families call the same part."""
    found = [name]
    for theirs, ours in _WORDS.items():
        called = [theirs if word == ours else word for word in name.split(".")]
        found += [".".join(called)] if ours in name else []
    return tuple(dict.fromkeys(found))


def _parts(name: str) -> set[str]:
    words = name.split(".")
    ends = range(1, len(words) + 1)
    return {".".join(words[start:end]) for end in ends for start in range(end)}


def _full(name: str) -> tuple[str, ...]:
    if name == "lm_head":
        return ("lm_head", "language_model.lm_head")
    prefixes = ("model.", "model.language_model.", "language_model.model.", "backbone.", "")
    return tuple(prefix + name for prefix in prefixes)


def _safe(pattern: str) -> list[re.Pattern[str]]:
    if len(pattern) > _MAX_PATTERN or _REPEATED_GROUP.search(pattern):
        return []
    if len(_REPETITION.findall(pattern)) > _MAX_REPETITIONS:
        return []
    try:
        with warnings.catch_warnings(action="ignore"):
            return [re.compile(pattern)]
    except (re.error, OverflowError, RecursionError):
        return []
