"""The bytes inside a bug report's container: hundreds of gzip members one after another, or none.

Every section of the script goes through a gzip of its own, so that a reader which stops after the
first member sees the prologue alone. Where the script hung or a disk was full, the file ends
between two members or inside one: what comes before is read.
"""

from __future__ import annotations

import zlib

from preflight.errors import UsageError

MAX_UNPACKED = 20 << 20  # bytes; of 36 reports of 2013 to 2026 the largest had 18 MB
_MAGIC = b"\x1f\x8b"
_GZIP = 31  # window bits of zlib for gzip's header
_STEP = 64 << 10


def is_packed(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def unpack(data: bytes, name: str) -> bytes:
    """The text of a report, as far as it can be read; UsageError where it is too large."""
    text = _members(data, name) if is_packed(data) else data
    if len(text) > MAX_UNPACKED:
        raise _too_large(name)
    return text


def _members(data: bytes, name: str) -> bytes:
    """Member by member in small steps: never more is unpacked than the limit and one step."""
    found = bytearray()
    member = zlib.decompressobj(_GZIP)
    place = 0
    step = b""
    while place < len(data) or step:
        if not step:
            step = data[place : place + _STEP]
            place += _STEP
        try:
            found += member.decompress(step, MAX_UNPACKED + 1 - len(found))
        except zlib.error:  # a broken member, or bytes that are none: the report ends before it
            break
        if len(found) > MAX_UNPACKED or member.unconsumed_tail:
            raise _too_large(name)
        step = b""
        if member.eof:
            step = member.unused_data
            member = zlib.decompressobj(_GZIP)
    return bytes(found)


def _too_large(name: str) -> UsageError:
    return UsageError(
        f"{name}: more than {MAX_UNPACKED >> 20} MiB unpacked, larger than any bug report"
    )
