"""The changes that make a simulated machine out of a recorded one, each with its source.

A change is an entry of machine.yaml: `at` (the keys from the capture's `sources` down) and one of
`from`+`to`   that text, wherever it stands there, becomes the other; it must stand there; with
              `within` only in the block that begins so, up to an empty line. Of what is no text
              all keys and texts below are meant
`from`+`again` what `from` names (the keys that hold it, a number of a list, the block of a text
              that begins with it) stands there once more, at the end, with texts exchanged
`from`+`drop` `lines` that hold it go; or the `block` that begins with it and ends at an empty line,
              with `to` or `file` in its place; or the keys `matching` it
`drop: value` the key itself goes
`to`, `file`  the value is set, in line or out of a file beside machine.yaml (.json is read)
`why` says what the change is for and where the new text comes from; none goes without.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from typing import Any


class BadChange(ValueError):
    """A change that does not fit what it is to be applied to: a defect of the machine's data."""


def lines_joined(value: Any) -> Any:
    """Recorded texts are kept as lists of lines, for the diff's sake; make them texts again."""
    if isinstance(value, dict):
        return {key: lines_joined(part) for key, part in value.items()}
    if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    if isinstance(value, list):
        return [lines_joined(part) for part in value]
    return value


def changed(
    sources: Mapping[str, Any], changes: Iterable[Mapping[str, Any]], folder: Traversable
) -> dict[str, Any]:
    """The sources of the new machine; BadChange where a change finds nothing to change."""
    document: dict[str, Any] = copy.deepcopy(dict(sources))
    for change in changes:
        if not change.get("why") or not change.get("at"):
            raise BadChange(f"a change needs `at` and `why`: {dict(change)}")
        *way, last = change["at"]
        place: Any = document
        for key in way:
            place = _entered(place, key, change)
        _apply(place, last, change, folder)
    return document


def _entered(place: Any, key: Any, change: Mapping[str, Any]) -> Any:
    if isinstance(place, dict):
        return place.setdefault(key, {}) if "from" not in change else place[key]
    return place[key]


def _apply(place: Any, key: Any, change: Mapping[str, Any], folder: Traversable) -> None:
    if change.get("drop") == "value":
        del place[key]
    elif "from" in change:
        place[key] = _edited(place[key], change, folder)
    else:
        place[key] = _given(change, folder)


def _given(change: Mapping[str, Any], folder: Traversable) -> Any:
    if "file" not in change:
        return change["to"]
    text = folder.joinpath(change["file"]).read_text(encoding="utf-8")
    return json.loads(text) if change["file"].endswith(".json") else text


def _edited(value: Any, change: Mapping[str, Any], folder: Traversable) -> Any:
    if change.get("drop") == "matching":
        return _without_keys(value, change)
    if "again" in change:
        return _with_another(value, change)
    if not isinstance(value, str):
        return _exchanged_once(value, change)
    begin, end = _span(value, change["within"], change) if "within" in change else (0, len(value))
    old = change["from"]
    if old not in value[begin:end]:
        raise BadChange(f"{change['at']}: {old!r} does not stand there")
    if change.get("drop") == "block":
        begin, end = _span(value, old, change)
        return value[:begin] + _instead(change, folder) + value[end:]
    text = value[begin:end]
    if change.get("drop") == "lines":
        edited = "".join(line for line in text.splitlines(keepends=True) if old not in line)
    else:
        edited = text.replace(old, _given(change, folder))
    return value[:begin] + edited + value[end:]


def _without_keys(value: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: part for key, part in value.items() if change["from"] not in key}
    if len(kept) == len(value):
        raise BadChange(f"{change['at']}: no key holds {change['from']!r}")
    return kept


def _with_another(value: Any, change: Mapping[str, Any]) -> Any:
    """A list, mapping or text with one of its parts added again."""
    first = change["from"]
    if isinstance(value, list):
        return [*value, _exchanged(value[first], change["again"])]
    if isinstance(value, dict):
        kept = _without_keys(value, change)
        another = {key: part for key, part in value.items() if key not in kept}
        return value | _exchanged(another, change["again"])
    begin, end = _span(value, first, change)
    block = value[begin:end].rstrip("\n")
    return value.rstrip("\n") + "\n\n" + _exchanged(block, change["again"]) + "\n"


def _exchanged_once(value: Any, change: Mapping[str, Any]) -> Any:
    edited = _exchanged(value, {change["from"]: change["to"]})
    if edited == value:
        raise BadChange(f"{change['at']}: {change['from']!r} stands nowhere below")
    return edited


def _exchanged(value: Any, texts: Mapping[str, str]) -> Any:
    """All keys and texts of a value with other texts in them; numbers stay."""
    if isinstance(value, dict):
        return {_exchanged(key, texts): _exchanged(part, texts) for key, part in value.items()}
    if isinstance(value, list):
        return [_exchanged(part, texts) for part in value]
    if isinstance(value, str):
        for old, new in texts.items():
            value = value.replace(old, new)
    return value


def _span(text: str, first: str, change: Mapping[str, Any]) -> tuple[int, int]:
    """Where the block lies that begins a line with `first`; the empty line behind it included."""
    begin = ("\n" + text).find("\n" + first)
    if begin < 0:
        raise BadChange(f"{change['at']}: no block begins with {first!r}")
    end = text.find("\n\n", begin)
    return begin, len(text) if end < 0 else end + 2


def _instead(change: Mapping[str, Any], folder: Traversable) -> Any:
    return _given(change, folder) if "to" in change or "file" in change else ""
