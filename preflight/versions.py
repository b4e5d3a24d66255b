"""Version numbers of drivers and libraries, compared part by part as numbers.

"580.65.06" is newer than "570.181" and "2.9.8" older than "2.20": neither text nor decimal order.
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,7}")

Version = tuple[int, ...]


def parse(text: str) -> Version | None:
    """The numbers at the head of a version: "2.28.9+cuda13.0" is (2, 28, 9); None without any."""
    match = _VERSION.match(text.strip())
    return tuple(map(int, match[0].split("."))) if match else None


def is_of(version: Version, named: Version) -> bool:
    """Whether it is the version that is named, or one of the branch that is."""
    return version[: len(named)] == named


def require(text: str, what: str) -> Version:
    """A version that a policy names; ValueError where it is none."""
    if _VERSION.fullmatch(text):
        return tuple(map(int, text.split(".")))
    raise ValueError(f"{what} is {text!r}, which is no version number")
