"""Rates of collective operations: all_reduce_perf and its kin of nccl-tests.

Seen with versions 2.4 to 2.19; also with NCCL's own lines in between, and without any `#`:

    #  Rank  0 Group  0 Pid  50781 on host1 device  0 [0x00] NVIDIA A100-SXM4-80GB
    #                                            out-of-place                 in-place
    #  size     count   type redop root   time  algbw  busbw #wrong   time  algbw  busbw #wrong
    #   (B) (elements)                    (us) (GB/s) (GB/s)          (us) (GB/s) (GB/s)
     33554432 8388608  float   sum   -1  650.2  51.61  96.76      0  648.4  51.75  97.03      0
    # Avg bus bandwidth    : 150.209
"""

from __future__ import annotations

import re
from typing import Any

from preflight.errors import NotThisKind
from preflight.parsers.recording import table_lines

KIND = "nccl-tests"
EXPECTED = "the table of an nccl-tests program"

_HEADING = ("size", "count", "type")
_FIGURES = ("time", "algbw", "busbw")
_RANK = re.compile(r"Rank +(\d{1,6}) ")
_STARTS = re.compile(r"Collective test starting: {0,8}(\w{1,40}?)(?:_perf)?(?: |$)")
_COMMAND = re.compile(r"(?:^|[\s/])([a-z_]{1,20})_perf(?= -|\s*$)")
_AVERAGE = re.compile(r"Avg bus bandwidth {0,20}: {0,20}(\d{1,12}(?:\.\d{0,9})?)")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{0,9})?(?:[eE][-+]?\d{1,3})?")
# mpirun's and srun's, which stand on some lines only where others wrote into the log.
_PREFIX = re.compile(r"\s*(?:\[\d{1,5},\d{1,5}\]<std(?:out|err)>:|\d{1,5}: )")
_SIZE = re.compile(r"\d{1,18}")


def parse(text: str) -> dict[str, Any]:
    """`rows` in the program's order, out of place; `ranks` null where no device is listed."""
    lines = [_bare(line) for line in table_lines(text)]
    place, heading = _heading(lines)
    before, table = lines[:place], lines[place:]
    end, rows = _rows(table, heading)
    ranks = [int(match[1]) for line in before if (match := _RANK.match(line))]
    return {
        "collective": _collective(before),
        "ranks": max(ranks) + 1 if ranks else None,
        "rows": rows,
        "avg_busbw": _average(table[:end]),
    }


def _bare(line: str) -> str:
    prefix = _PREFIX.match(line)
    return line[prefix.end() if prefix else 0 :].strip(" \t#")


def _heading(lines: list[str]) -> tuple[int, list[str]]:
    for place, line in enumerate(lines):
        words = line.split()
        if tuple(words[:3]) == _HEADING and words.count("busbw") == 2:
            return place, words
    raise NotThisKind(EXPECTED)


def _rows(lines: list[str], heading: list[str]) -> tuple[int, list[dict[str, Any]]]:
    """How many lines there are up to the next table, and the rows of this one.

    Programs that were started without knowing of each other print their headings first, all of
    them. The operation may be left out, so that figures are counted from the right.
    """
    from_right = len(heading) - heading.index("time")
    may_lack = "redop" in heading
    keys = ("bytes", "time_us", *_FIGURES[1:])
    rows: list[dict[str, Any]] = []
    end, cut = len(lines), False
    for number, line in enumerate(lines):
        words = line.split()
        if tuple(words[:3]) == _HEADING and rows:
            end = number
            break
        if len(words) < 3 or not (_SIZE.fullmatch(words[0]) and _SIZE.fullmatch(words[1])):
            continue
        lacks = may_lack and len(words) > 3 and _NUMBER.fullmatch(words[3]) is not None
        cut = len(words) < len(heading) - lacks
        if not cut:
            figures = [_number(word) for word in words[-from_right:][: len(_FIGURES)]]
            rows.append(dict(zip(keys, (int(words[0]), *figures), strict=True)))
    if not rows or cut:
        raise NotThisKind(EXPECTED)
    return end, rows


def _number(word: str) -> float | int | None:
    if not _NUMBER.fullmatch(word):
        return None
    value = float(word)
    return int(value) if word.isdecimal() else value


def _collective(lines: list[str]) -> str | None:
    """Only the newest print it; else the command line, where that was saved too."""
    for pattern in (_STARTS, _COMMAND):
        for line in lines:
            if match := pattern.search(line[:4096]):
                return match[1]
    return None


def _average(lines: list[str]) -> float | None:
    return next((float(match[1]) for line in lines if (match := _AVERAGE.match(line))), None)
