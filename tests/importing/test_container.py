"""Many gzip members, a plain file, files that end early, and files that are too much."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from preflight.errors import UsageError
from preflight.importing.container import MAX_UNPACKED, is_packed, unpack


def test_all_members_are_read_and_not_the_first_alone() -> None:
    data = gzip.compress(b"one ") + gzip.compress(b"two ") + gzip.compress(b"three")
    assert is_packed(data)
    assert unpack(data, "f") == b"one two three"


def test_a_file_that_was_never_packed_is_itself() -> None:
    assert not is_packed(b"plain")
    assert unpack(b"plain", "f") == b"plain"


def test_hundreds_of_members_larger_than_a_step_are_whole() -> None:
    parts = [bytes([i % 251]) * (i * 97) for i in range(460)]
    assert unpack(b"".join(map(gzip.compress, parts)), "f") == b"".join(parts)


@pytest.mark.parametrize("cut", [1, 9, 40])
def test_a_member_that_ends_early_gives_what_it_has(cut: int) -> None:
    line = bytes(range(256)) * 40
    packed = gzip.compress(line)
    found = unpack(gzip.compress(b"whole ") + packed[:-cut], "f")
    assert found.startswith(b"whole ")
    assert b"whole " + line == found + (b"whole " + line)[len(found) :]


def test_what_follows_a_broken_member_is_not_read() -> None:
    broken = bytearray(gzip.compress(b"x" * 5000))
    broken[20] ^= 0xFF
    assert unpack(gzip.compress(b"good") + bytes(broken), "f").startswith(b"good")
    assert unpack(gzip.compress(b"good") + b"no member", "f") == b"good"


def test_the_largest_that_is_taken_and_one_byte_more() -> None:
    assert len(unpack(gzip.compress(b"a" * MAX_UNPACKED, 1), "f")) == MAX_UNPACKED
    for data in (b"a" * (MAX_UNPACKED + 1), gzip.compress(b"a" * (MAX_UNPACKED + 1), 1)):
        with pytest.raises(UsageError, match=r"^f: more than 20 MiB unpacked"):
            unpack(data, "f")


def test_a_bomb_is_refused_before_it_takes_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(400)) + packer.flush()
    tracemalloc.start()
    with pytest.raises(UsageError, match="more than 20 MiB"):
        unpack(bomb, "bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(bomb) < 1 << 20
    assert peak < 100 << 20
