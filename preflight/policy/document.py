"""A policy's YAML as plain values, each fault told by file and line.

Nothing is constructed from tags and nothing is referred to twice: the file is a tree of mappings,
lists and scalars, and a scalar's type is the one that its place asks for, not the one that YAML
would guess ("580.10" stays a version, "on" is no number).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any, get_args, get_origin

import yaml

from preflight.errors import UsageError

_MAX_DEPTH = 8  # a policy needs five
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,14})")
_NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(?:[eE][-+]?[0-9]{1,2})?"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class Place:
    """A node of one file, and the words by which a person knows it ("limits.xid")."""

    file: str
    node: yaml.Node
    path: str = ""

    def fault(self, message: str) -> UsageError:
        return UsageError(f"{self.file}:{self.node.start_mark.line + 1}: {message}")

    def wrong(self, expected: str) -> UsageError:
        kind = "a mapping" if isinstance(self.node, yaml.MappingNode) else "a list"
        found = repr(self.node.value[:60]) if self.is_scalar else kind
        return self.fault(f"{self.path or 'the policy'}: expected {expected}, found {found}")

    @property
    def is_scalar(self) -> bool:
        return isinstance(self.node, yaml.ScalarNode)

    def entries(self, known: Iterable[str] | None = None) -> dict[str, Place]:
        """A mapping's values by key; a key that is not among the known ones is a fault."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.wrong("a mapping")
        found: dict[str, Place] = {}
        for key_node, value in self.node.value:
            key = text(Place(self.file, key_node, f"a key {self._under}".strip()))
            at = Place(self.file, key_node)
            if key in found:
                raise at.fault(f"duplicate key {key[:60]!r}{self._under}")
            if known is not None and key not in known:
                near = suggestion(key, known)
                raise at.fault(f"unknown key {key[:60]!r}{self._under}{near}")
            found[key] = Place(self.file, value, f"{self.path}.{key}" if self.path else key)
        return found

    def items(self) -> list[Place]:
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.wrong("a list")
        return [
            Place(self.file, node, f"{self.path}[{index}]")
            for index, node in enumerate(self.node.value)
        ]

    @property
    def _under(self) -> str:
        return f" under {self.path}" if self.path else ""


def suggestion(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word[:80], [str(name) for name in known], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def parse(source: str, file: str) -> Place:
    """The root of a YAML text; UsageError where it is none, or holds aliases or tags."""
    try:
        _refuse_tricks(source, file)
        node = yaml.compose(source, yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise UsageError(f"{file}:{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{file}: not YAML: {str(error).splitlines()[0]}") from error
    if node is None:
        raise UsageError(f"{file}: empty, expected a policy")
    return Place(file, node)


def _refuse_tricks(source: str, file: str) -> None:
    """Aliases can blow a small file up, tags can ask for any type: a policy needs neither."""
    depth = 0
    for event in yaml.parse(source, yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise UsageError(f"{file}:{line}: aliases (*{event.anchor}) are not taken in a policy")
        if tag := getattr(event, "tag", None):
            raise UsageError(f"{file}:{line}: tags ({tag}) are not taken in a policy")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise UsageError(f"{file}:{line}: nested deeper than any policy")


def text(place: Place) -> str:
    """A word or a quoted text; YAML's true, false and null are none unless they are quoted."""
    if not place.is_scalar or (_is_plain(place) and _is_reserved(place.node.value)):
        raise place.wrong("a text")
    return str(place.node.value)


def day(place: Place) -> date:
    value = place.node.value if place.is_scalar else ""
    if not _DAY.fullmatch(value):
        raise place.wrong("a date such as 2027-01-31")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise place.wrong("a date of the calendar") from error


def value(place: Place, kind: Any) -> Any:
    """The value of a limit, of the type that its field is declared with."""
    if get_origin(kind) is tuple:
        of = get_args(kind)[0]
        return tuple(value(item, of) for item in place.items())
    return _SCALARS[kind](place)


def _integer(place: Place) -> int:
    return int(_matched(place, _INTEGER, "a whole number"))


def _number(place: Place) -> float:
    return float(_matched(place, _NUMBER, "a number"))


def _boolean(place: Place) -> bool:
    plain = place.node.value.lower() if _is_plain(place) else ""
    if plain not in _BOOLEANS:
        raise place.wrong("true or false")
    return _BOOLEANS[plain]


def _matched(place: Place, pattern: re.Pattern[str], expected: str) -> str:
    if not _is_plain(place) or not pattern.fullmatch(place.node.value):
        raise place.wrong(expected)
    return str(place.node.value)


def _is_plain(place: Place) -> bool:
    """Without quotes: only such a scalar is a number, a boolean or nothing."""
    return isinstance(place.node, yaml.ScalarNode) and not place.node.style


def _is_reserved(word: str) -> bool:
    return word.lower() in _BOOLEANS or word.lower() in ("", "~", "null")


_SCALARS: Mapping[Any, Callable[[Place], Any]] = {
    int: _integer,
    float: _number,
    bool: _boolean,
    str: text,
}
