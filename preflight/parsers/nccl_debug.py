"""What NCCL uses between cards: its log with NCCL_DEBUG=INFO.

Seen with versions 2.4 to 2.28. Only what stands after "via" is in use; what NCCL looks for,
offers or was told is not:

    vm:836:848 [0] NCCL INFO NCCL version 2.28.9+cuda13.0
    vm:836:849 [1] NCCL INFO Channel 00/0 : 1[1] -> 0[0] via P2P/CUMEM
    host2:45305:45310 [0] NCCL INFO Ring 00 : 43 -> 44 [receive] via NET/Socket/0
    vm:836:848 [0] NCCL INFO 24 coll channels, 24 collnet channels, 0 nvls channels, 32 p2p channels
"""

from __future__ import annotations

import re
from typing import Any

from preflight.errors import NotThisKind
from preflight.parsers.recording import table_lines

KIND = "nccl-debug"
EXPECTED = "a log of NCCL_DEBUG=INFO"

_IS_LOG = re.compile(r"NCCL (?:INFO|WARN|TRACE|VERSION) ")
_VERSION = re.compile(r"NCCL version (\d{1,3}(?:\.\d{1,4}){1,4}(?:\+\w[\w.]{0,20})?)")
# Two names hold a blank: "P2P/direct pointer", "NET/AWS Libfabric/0/GDRDMA".
_LINK = re.compile(
    r"-> {0,4}\S{1,40} .{0,40}?via ([A-Z]\S{0,60}(?: (?:pointer|Libfabric)\S{0,60})?)"
)
_NUMBERS = re.compile(r"\[[^\]]{0,40}\]|/\d{1,6}(?:\(\d{1,6}\))?(?=[/\[]|$)")
_WORDS = ("P2P/IPC", "P2P/CUMEM", "P2P/direct pointer", "SHM/direct/direct", "NET/Socket", "NET/IB")
_CHANNELS = re.compile(r" (\d{1,5}) coll channels")


def parse(text: str) -> dict[str, Any]:
    """`transports` in order of appearance, each once; null where no connection is shown."""
    lines = [line[:4096] for line in table_lines(text)]
    if not any(map(_IS_LOG.search, lines)):
        raise NotThisKind(EXPECTED)
    seen = _transports(lines)
    channels, version = _first(_CHANNELS, lines), _first(_VERSION, lines)
    if not seen and channels is None and version is None:
        raise NotThisKind(EXPECTED, "a line of NCCL that tells nothing")
    return {
        "version": version,
        "transports": seen or None,
        "channels": None if channels is None else int(channels),
    }


def _transports(lines: list[str]) -> list[str]:
    """Without the beginning of a word that a text cut in its last line leaves."""
    links = [_LINK.search(line) for line in lines]
    seen = [_NUMBERS.sub("", link[1]).rstrip("/ ") for link in links if link]
    if links[-1] and seen[-1] not in seen[:-1]:
        whole = (*seen[:-1], *_WORDS)
        if any(word.startswith(seen[-1]) and word != seen[-1] for word in whole):
            seen.pop()
    return list(dict.fromkeys(seen))


def _first(pattern: re.Pattern[str], lines: list[str]) -> str | None:
    return next((match[1] for line in lines if (match := pattern.search(line))), None)
