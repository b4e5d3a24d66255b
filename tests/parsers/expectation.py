"""Whether a parse shows the facts that an expectation file (NAME.expect.json) asks for.

An object holds every key named; a list of facts holds each member; numbers agree within 0.5 %;
null is null or absent. `contains` is a substring in any case, `any_of` one of several values,
`_complete` names lists that match whole, `_count` lengths, `_never` members that must not be there.
"""

from __future__ import annotations

from typing import Any

_WORDS = ("_complete", "_count", "_never", "exit", "exit_any_of")


def misses(actual: Any, expected: Any, path: str = "") -> list[str]:
    """What is not as expected, a line each; empty when it is met."""
    if isinstance(expected, dict):
        return _object(actual, expected, path)
    if isinstance(expected, list):
        return _list(actual, expected, path)
    return [] if _same(actual, expected) else [f"{path}: {actual!r}, expected {expected!r}"]


def _object(actual: Any, expected: dict[str, Any], path: str) -> list[str]:
    if "contains" in expected:
        held = str(expected["contains"]).lower() in str(actual).lower()
        return [] if held else [f"{path}: {actual!r} does not contain {expected['contains']!r}"]
    if "any_of" in expected:
        held = any(not misses(actual, one) for one in expected["any_of"])
        return [] if held else [f"{path}: {actual!r} is none of {expected['any_of']!r}"]
    if not isinstance(actual, dict):
        return [f"{path}: {actual!r} is no object"]
    wrong = []
    for key, value in expected.items():
        if key not in _WORDS:
            wrong += misses(actual.get(key), value, f"{path}.{key}")
    for key in expected.get("_complete", ()):
        if len(actual.get(key) or ()) != len(expected[key]):
            wrong.append(f"{path}.{key}: {actual.get(key)!r} is not the whole {expected[key]!r}")
    for key, count in expected.get("_count", {}).items():
        if len(actual.get(key) or ()) != count:
            wrong.append(f"{path}.{key}: {len(actual.get(key) or ())} members, not {count}")
    for key, members in expected.get("_never", {}).items():
        found = [one for one in _reached(actual, key.split(".")) if one in members]
        wrong += [f"{path}.{key}: holds {one!r}" for one in found]
    return wrong


def _list(actual: Any, expected: list[Any], path: str) -> list[str]:
    if not isinstance(actual, list):
        return [f"{path}: {actual!r} is no list"]
    lacking = [one for one in expected if all(misses(member, one) for member in actual)]
    if expected and not isinstance(expected[0], (dict, list)):
        lacking = [one for one in expected if one not in actual]
    return [f"{path}: no member like {one!r} in {actual!r:.600}" for one in lacking]


def _reached(value: Any, keys: list[str]) -> list[Any]:
    """Every value that the keys lead to, through the members of lists."""
    if isinstance(value, list):
        return [one for member in value for one in _reached(member, keys)]
    if not keys:
        return [value]
    return _reached(value.get(keys[0]), keys[1:]) if isinstance(value, dict) else []


def _same(actual: Any, expected: Any) -> bool:
    if isinstance(expected, bool) or not isinstance(expected, (int, float)):
        return bool(actual == expected)
    if isinstance(actual, bool) or not isinstance(actual, (int, float)):
        return False
    return abs(actual - expected) <= 0.005 * abs(expected)
