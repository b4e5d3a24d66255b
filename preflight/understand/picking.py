"""The one place where several sources of a fact become one: the first that has it gives it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from preflight.capture import plain
from preflight.facts import NOT_COLLECTED, NOT_IN_BUG_REPORT, Fact, Missing, NotApplicable

T = TypeVar("T")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_MOST_COUNTED = 10**15  # a guess: one each microsecond for thirty years
_NO_NAMES = frozenset({"N/A", "[N/A]", "ERR!", "Unknown Error"})
_MOST_MIB = 16 << 20  # of a card: a guess, fifty times what is built
_SAYS_LITTLE = frozenset({"not-collected", "tool-absent", "not-present"})


class Picked(NamedTuple):
    """A fact and the source of the capture that gave it; "" where none did."""

    value: Fact[Any]
    source: str = ""


Picks = Mapping[str, Picked]


def first(*readings: tuple[str, Fact[Any]]) -> Picked:
    """The first reading that has a value; else the first reason that says more than "absent"."""
    for source, value in readings:
        if not isinstance(value, Missing):
            return Picked(value, source)
    reasons = [value for _, value in readings if isinstance(value, Missing)]
    told = [why for why in reasons if why != NOT_IN_BUG_REPORT]
    telling = [why for why in told if why.reason not in _SAYS_LITTLE]
    present = [why for why in reasons if why.reason != "not-collected"]
    return Picked(next(iter(telling or present or reasons), NOT_COLLECTED))


def known(fact: Fact[T]) -> bool:
    return not isinstance(fact, (Missing, NotApplicable))


def converted(fact: Fact[Any], convert: Callable[[Any], T | None]) -> Fact[T]:
    """The fact through `convert`; Missing("not-parsed") where that gives None."""
    if isinstance(fact, (Missing, NotApplicable)):
        return fact
    value = convert(fact)
    return Missing("not-parsed", plain(str(fact))[:80]) if value is None else value


def whole(value: object) -> int | None:
    """An integer of a sane size, also written as text."""
    if isinstance(value, str) and len(value) < 20 and _WHOLE.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        return value
    return None


def named(names: Mapping[int, str]) -> Callable[[object], str | None]:
    """Reads one of NVML's enumerations; None for a value that has no name."""

    def convert(value: object) -> str | None:
        place = whole(value)
        return None if place is None else names.get(place)

    return convert


def number(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1 << 63:
        return float(value)
    return None


def count(value: object) -> int | None:
    """How often something happened."""
    told = whole(value)
    return told if told is not None and 0 <= told <= _MOST_COUNTED else None


def mebibytes(value: object) -> int | None:
    """A size of memory."""
    told = whole(value)
    return told if told is not None and 0 <= told <= _MOST_MIB else None


def mebibytes_of(size_bytes: object) -> int | None:
    told = whole(size_bytes)
    return None if told is None else mebibytes(told >> 20)


def percent(value: object) -> int | None:
    told = whole(value)
    return told if told is not None and 0 <= told <= 100 else None


def celsius(value: object) -> int | None:
    """A temperature, or the difference of two; silicon is destroyed long before 250: a guess."""
    told = whole(value)
    return told if told is not None and -100 <= told <= 250 else None


def words(value: object) -> str | None:
    """A short text fit to be shown, None where it is empty or no text."""
    cleaned = " ".join(plain(value[:400]).split()) if isinstance(value, str) else ""
    return cleaned or None


def worded(value: object) -> str | None:
    """`words` where a letter is in it: "-1", "0" and "N/A" name nothing."""
    said = words(value)
    is_named = said is not None and said not in _NO_NAMES and any(map(str.isalpha, said))
    return said if is_named else None


def flag(value: object) -> bool | None:
    """A truth as NVML and nvidia-smi's parser give it: bool, 0 or 1."""
    return bool(value) if isinstance(value, bool) or value in (0, 1) else None
