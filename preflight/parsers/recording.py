"""A recording as plain text: bytes decoded, escapes and control characters gone, lines by LF.

What people save and paste is rarely what the tool wrote: PowerShell writes UTF-16, terminals
leave colours, web pages lose the ESC byte before them, log collectors put a prefix on each line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_LINE = 16_384  # a longer line belongs to none of these tools' tables; it is passed over

_ESCAPE = re.compile(
    r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]"
    r"|\x1b\][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)?"
    r"|\x1b[()][0-9A-Za-z]|\x1b[@-Z\\^_=>78c]"
    # the ESC byte lost, or spelt out: [4m  ^[[0m  \033[1;31m  #033[0m (rsyslog); grep's [K
    r"|(?:\\x1b|\\033|\\e|\\u001[bB]|\^\[|#033|[\u241b\ufffd\x9b])?"
    r"\[\d{1,3}(?:;\d{0,3}){0,8}m(?:\[K)?"
    r"|\[m\[K"
)
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
    "\ud800-\udfff]"
)
_LINE_END = re.compile(r"\r+\n?")
_BLANK = str.maketrans("\u00a0\u2007\u202f\u2028\u2029", "     ")

# One prefix a pattern, as a log collector or a multiplexer puts it before every line. At most
# one blank after it belongs to it: what follows may be indented.
_PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
        r"(?: std(?:out|err) [FP]| \S{1,64} [\w./-]{1,64}\[\d{1,8}\]:)?(?: |$)",
        r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S{1,64} [\w./-]{1,64}(?:\[\d{1,8}\])?:(?: |$)",
        # ts (moreutils), with its own or with brackets as in a CI's log
        r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?: |$)",
        r"\[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\](?: |$)",
        r"\[\d{1,5},\d{1,5}\]<std(?:out|err)>:",
        r" {0,5}\d{1,5}: ",
        r"\[pod/[^\]\s]{1,200}\](?: |$)",
        r"[A-Za-z][\w.-]{0,63} {0,40}\|(?: |$)",
        r"[A-Za-z][\w.-]{0,63}:(?: |$)",
        r">(?: |$)",
    )
)
_SAMPLE = 200  # lines looked at to decide whether all lines carry one prefix


def decode_bytes(data: bytes) -> str:
    """The text of a recording: UTF-8 with replacement, or UTF-16 with or without its mark."""
    encoding = _encoding(data)
    whole = data[: len(data) - len(data) % 2] if encoding.startswith("utf-16") else data
    return plain_text(whole.decode(encoding, errors="replace"))


def plain_text(text: str) -> str:
    """The text without escapes and control characters; lines end in LF alone."""
    text = _LINE_END.sub("\n", text) if "\r" in text else text
    if "\x1b" in text or "[" in text:
        text = _ESCAPE.sub("", text)
    return _CONTROL.sub("", text).translate(_BLANK)


def table_lines(text: str) -> list[str]:
    """The lines of a tool's output, without log collectors' prefixes and lines of megabytes."""
    lines = plain_text(text).split("\n")
    return without_prefixes([line if len(line) <= MAX_LINE else "" for line in lines])


def without_prefixes(lines: list[str]) -> list[str]:
    for _ in range(2):  # a prefix may stand before another one
        prefix = next((prefix for prefix in _PREFIXES if _is_on_all(prefix, lines)), None)
        if prefix is None:
            break
        lines = [prefix.sub("", line, count=1) for line in lines]
    return lines


def _is_on_all(prefix: re.Pattern[str], lines: Sequence[str]) -> bool:
    sample: list[str] = []
    for line in lines:
        if line.strip():
            sample.append(line)
        if len(sample) == _SAMPLE:
            break
    carried = sum(prefix.match(line) is not None for line in sample)
    return len(sample) > 1 and carried >= 0.9 * len(sample)


def _encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = data[:4096]
    half = len(head) // 2
    even, odd = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if half and odd > 0.4 * half and even < 0.1 * half:
        return "utf-16-le"
    if half and even > 0.4 * half and odd < 0.1 * half:
        return "utf-16-be"
    return "utf-8"
