"""A bug report as the script writes it: each section a gzip member of its own."""

from __future__ import annotations

import gzip
from collections.abc import Iterable

LINE = "_" * 44
PROLOGUE = """Start of NVIDIA bug report log file.  Please include this file, along
with a detailed description of your problem.

nvidia-bug-report.sh Version: 33290498

Date: Thu Nov 16 08:58:27 AM EST 2023
uname: Linux somehost 6.2.0-34-generic #34 SMP x86_64 GNU/Linux
command line flags: {flags}
"""
END = "End of NVIDIA bug report log file."
STAMP = "-r--r--r-- 1 root root 0 2023-11-16 08:58:34.123456789 -0500"


def file(path: str, content: str) -> str:
    return f"*** {path}\n*** ls: {STAMP} {path}\n{content}\n"


def report(*bodies: str, flags: str = "", end: bool = True) -> list[str]:
    """The sections of a whole report around these."""
    return [PROLOGUE.format(flags=flags), *bodies, *([END] if end else [])]


def as_text(sections: Iterable[str]) -> bytes:
    return "".join(f"{LINE}\n\n{body}\n\n" for body in sections).encode()


def as_members(sections: Iterable[str]) -> bytes:
    return b"".join(gzip.compress(as_text([body]), 1) for body in sections)
