"""A config.json's fields, taken with nothing believed: each is of its kind and within its bounds,
or the file is refused in one line.

The bounds lie far above every model that exists, and low enough that nothing computed from them
overflows or takes long.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from preflight.errors import UsageError

Raw: TypeAlias = Mapping[str, Any]

MAX_BYTES = 8 << 20
_MOST_LISTED = 1 << 12
HINT = "a model is a catalogue name, owner/name, or a folder or file with its config.json"


def document(text: str | bytes, name: str) -> dict[str, Any]:
    """The JSON object of that text; UsageError for anything else, NaN and deep nesting too."""
    if len(text) > MAX_BYTES:
        raise UsageError(f"{name}: larger than a config.json can be ({MAX_BYTES >> 20} MiB)")
    mark = b"\xef\xbb\xbf" if isinstance(text, bytes) else "\ufeff"
    text = text.removeprefix(mark)  # type: ignore[arg-type]
    try:
        found = _infinite(text) if _has_infinity(text) else msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UsageError(f"{name}: not the JSON of a config.json: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{name}: a config.json is an object, this is none")
    return found


def _has_infinity(text: str | bytes) -> bool:
    return b"Infinity" in text if isinstance(text, bytes) else "Infinity" in text


def _infinite(text: str | bytes) -> Any:
    """With Python's word Infinity in it, which transformers writes as an open limit of Mamba's."""
    return json.loads(text, parse_constant=_constant)


def _constant(word: str) -> float:
    if word == "NaN":
        raise ValueError("NaN is no number")
    return float(word)


class Fields:
    """One object of a config, and the words by which its faults are told."""

    def __init__(self, raw: Raw, name: str) -> None:
        self.raw = raw
        self.name = name

    def __contains__(self, key: str) -> bool:
        return self.raw.get(key) is not None

    def whole(self, *keys: str, least: int = 1, most: int, default: int | None = None) -> int:
        """The first of these fields that is given, a whole number within the bounds."""
        for key in keys:
            value = self.raw.get(key)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int):
                raise self._fault(key, f"is {value!r:.40}, not a whole number")
            if not least <= value <= most:
                raise self._fault(key, f"is {value}, not between {least} and {most}")
            return value
        if default is None:
            raise self._fault(keys[0], "is not there")
        return default

    def largest(
        self,
        *keys: str,
        least: int = 1,
        most: int,
        default: int | None = None,
        layers: int | None = None,
    ) -> int:
        """As `whole`, of fields that some configs write down for each layer: the largest.

        Where `layers` are given, a list holds as many.
        """
        for key in keys:
            if isinstance(self.raw.get(key), list):
                listed = self.numbers(key, _MOST_LISTED)
                if not listed:
                    raise self._fault(key, "is an empty list")
                if layers is not None and len(listed) != layers:
                    raise self._fault(key, f"has {len(listed)} of {layers} layers")
                value = max(listed)
                return Fields({key: value}, self.name).whole(key, least=least, most=most)
            if key in self:
                return self.whole(key, least=least, most=most)
        return self.whole(*keys, least=least, most=most, default=default)

    def truth(self, key: str, default: bool = False) -> bool:
        value = self.raw.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._fault(key, f"is {value!r:.40}, not true or false")
        return value

    def number(self, key: str, default: float, most: float = 1e9) -> float:
        value = self.raw.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= most:
            raise self._fault(key, f"is {value!r:.40}, not a number above 0")
        return float(value)

    def text(self, key: str, default: str = "") -> str:
        value = self.raw.get(key)
        if value is None:
            return default
        if not isinstance(value, str) or len(value) > 400:
            raise self._fault(key, f"is {value!r:.40}, not a short text")
        return value

    def words(self, key: str, most: int) -> tuple[str, ...]:
        """A list of texts, `()` where it is absent."""
        value = self.raw.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > most:
            raise self._fault(key, f"is not a list of at most {most}")
        if not all(isinstance(word, str) and len(word) <= 400 for word in value):
            raise self._fault(key, "holds what is not a short text")
        return tuple(value)

    def numbers(self, key: str, most: int) -> tuple[int, ...]:
        """A list of whole numbers from 0, or one alone; `()` where it is absent."""
        value = self.raw.get(key)
        values = [value] if isinstance(value, int) else [] if value is None else value
        if not isinstance(values, list) or len(values) > most:
            raise self._fault(key, f"is not a list of at most {most}")
        if not all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in values):
            raise self._fault(key, "holds what is not a whole number")
        return tuple(values)

    def objects(self, key: str, most: int) -> tuple[Fields, ...]:
        """A list of objects, `()` where it is absent."""
        value = self.raw.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > most:
            raise self._fault(key, f"is not a list of at most {most}")
        if not all(isinstance(one, dict) for one in value):
            raise self._fault(key, "holds what is not an object")
        return tuple(Fields(one, f"{self.name}: {key}") for one in value)

    def inner(self, key: str) -> Fields | None:
        """The object of that name, None where it is absent."""
        value = self.raw.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._fault(key, "is not an object")
        return Fields(value, f"{self.name}: {key}")

    def _fault(self, key: str, what: str) -> UsageError:
        return UsageError(f"{self.name}: {key} {what}")
