"""A bug report's sections, as its separators tell them: nothing depends on the script's number.

    ____________________________________________

    *** /proc/version
    *** ls: -r--r--r-- 1 root root 0 2024-02-14 12:51:46.386325139 -0500 /proc/version
    Linux version 6.5.0-17-generic …

A separator ends a section; a heading counts only straight after one, since logs quote such lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SEPARATOR = b"_" * 44
_BLANKS = b" \t\r"
_ABSENT = re.compile(r"\*\*\* (/\S{1,200}) (does not exist|is not readable)")
_FILE = re.compile(r"\*\*\* (/\S{1,200})")
_LISTED = re.compile(
    r"\*\*\* ls: \S{1,12} .{1,80}? (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d{1,9})? ([+-]\d{4}) "
    r"/(?:proc|sys)/"
)
_LONGEST_HEADING = 512


@dataclass(frozen=True)
class Section:
    """One section: its heading, and what follows; `is_cut` where the file ends inside."""

    heading: str
    raw: bytes
    is_cut: bool = False

    @property
    def body(self) -> str:
        """The lines after the heading, in whatever bytes the user's locale had."""
        return self.raw.decode(errors="replace").replace("\r\n", "\n").removeprefix("\n")

    @property
    def command(self) -> tuple[str, str]:
        """("lspci", "-nn") of "/usr/bin/lspci -nn"."""
        path, _, arguments = self.heading.partition(" ")
        return path.rpartition("/")[2], " ".join(arguments.split())

    @property
    def file(self) -> tuple[str, str] | None:
        """Path and content of a file that was read; `/./` of older scripts is left out."""
        match = _FILE.fullmatch(self.heading)
        if match is None:
            return None
        first, _, rest = self.body.partition("\n")
        content = rest if first.startswith("*** ls:") else self.body
        return match[1].replace("/./", "/"), content.strip("\n")

    @property
    def absent(self) -> tuple[str, str] | None:
        """Path of a file that could not be read, and the script's words for it."""
        match = _ABSENT.fullmatch(self.heading)
        return (match[1].replace("/./", "/"), match[2]) if match else None

    @property
    def seen_at(self) -> tuple[str, str] | None:
        """When a file of the kernel's was made, mostly at the very moment of the look.

        ("2024-02-14 12:51:46", "-0500"), by `ls --full-time`.
        """
        match = _LISTED.match(self.raw[:_LONGEST_HEADING].decode(errors="replace").lstrip())
        return (match[1], match[2]) if match else None


def sections(text: bytes) -> Iterator[Section]:
    """Every section that holds something, in order; what stands before the first one is none."""
    starts = list(_separators(text))
    for place, (_, after) in enumerate(starts):
        is_last = place == len(starts) - 1
        block = text[after : len(text) if is_last else starts[place + 1][0]].lstrip()
        if block:
            heading, _, raw = block.partition(b"\n")
            words = heading[:_LONGEST_HEADING].decode(errors="replace").strip()
            yield Section(words, raw, is_last)


def _separators(text: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of each line that is a separator and nothing else."""
    place = text.find(_SEPARATOR)
    while place >= 0:
        end = text.find(b"\n", place)
        end = len(text) if end < 0 else end
        line = text[text.rfind(b"\n", 0, place) + 1 : end]
        if line.strip(_BLANKS) == _SEPARATOR:
            yield place, end
        place = text.find(_SEPARATOR, end)
