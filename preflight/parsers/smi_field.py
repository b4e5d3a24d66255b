"""A field of nvidia-smi -q with the fields below it, and how its value is read.

A value may be any of NVML's errors in words where a number belongs, with or without brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# With its unit, or none; "1e308" is no number that the tool prints.
_UNIT = r"x|%|C|W|[KMG]?i?B(?:/s)?|[MG]?Hz|[mu]?s|m?V|mW|bank\(s\)"
_NUMBER = re.compile(rf"(-?\d{{1,18}}(?:\.\d{{1,9}})?)(?: ?(?:{_UNIT}))?(?= \[|$)")
_IDENTIFIER = re.compile(r"(?:0x)?([0-9a-fA-F]{4})([0-9a-fA-F]{4})$")
# Driver 610 says it behind its own version: "610.57.04 [Deprecated; will be removed in CUDA …".
_DEPRECATED = re.compile(r" \[Deprecated\b")

_NO_VALUE = frozenset({
    "", "n/a", "not supported", "redacted", "not available", "unknown", "not found", "no data",
    "requested functionality has been deprecated", "insufficient permissions",
    "function not found", "invalid argument",
})  # fmt: skip
# The card or the driver failed to answer (nvmlErrorString); "ERR!" is nvidia-smi's own word.
_ERRORS = frozenset({
    "err!", "unknown error", "gpu is lost", "gpu requires reset", "gpu requires restart",
    "timeout", "insufficient external power", "corrupted inforom", "interrupt request issue",
    "gpu access blocked by the operating system", "uninitialized", "driver not loaded",
})  # fmt: skip


@dataclass
class Field:
    """`name` as in the XML, or made of the text's key: small letters and underscores."""

    name: str
    value: str = ""
    children: list[Field] = field(default_factory=list)

    def at(self, *paths: str) -> Field | None:
        """The field at the first of these paths ("temperature/gpu_temp") that there is.

        Never a field deeper down: a MIG device has a memory and ECC counters of its own.
        """
        for path in paths:
            found: Field | None = self
            for name in path.split("/"):
                found = next((c for c in found.children if c.name == name), None) if found else None
            if found is not None:
                return found
        return None

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        """Path and value of every field that has one."""
        for child in self.children:
            path = f"{prefix}{child.name}"
            if child.value:
                yield path, child.value
            yield from child.leaves(f"{path}/")


def is_error(value: str) -> bool:
    """The card or the driver failed, other than by not supporting or not permitting it."""
    return _bare(value) in _ERRORS


def word(found: Field | None) -> str | None:
    if found is None or _bare(found.value) in _NO_VALUE or is_error(found.value):
        return None
    return _DEPRECATED.split(found.value, maxsplit=1)[0]


def number(found: Field | None) -> int | float | None:
    """The number with its unit: 24564 of "24564 MiB", 33.41 of "33.41 W", 16 of "16x"."""
    match = _NUMBER.match(found.value) if found else None
    if match is None:
        return None
    return float(match[1]) if "." in match[1] else int(match[1])


def flag(found: Field | None) -> bool | None:
    """True for Enabled, Yes and Active."""
    value = found.value.lower() if found else ""
    if value in ("enabled", "yes", "active"):
        return True
    return False if value in ("disabled", "no", "not active") else None


def identifier(found: Field | None) -> tuple[str, str] | None:
    """Device and vendor of a PCI id: ("2684", "10de") of "268410DE" or "0x268410DE"."""
    match = _IDENTIFIER.match(found.value) if found else None
    return (match[1].lower(), match[2].lower()) if match else None


def _bare(value: str) -> str:
    return value.strip("[] ").lower()
