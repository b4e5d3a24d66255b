"""What is no capture is refused in one line, whatever bytes it is made of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preflight.capture import SCHEMA, decode
from preflight.errors import UsageError

WHOLE: dict[str, Any] = {
    "schema": SCHEMA,
    "level": "look",
    "started": "2026-02-01T10:00:00Z",
    "finished": "2026-02-01T10:00:01Z",
    "probe": {"version": "1"},
    "sources": {"dmesg": {"status": "ok", "stdout": "a line"}},
}


def _bytes(**changed: Any) -> bytes:
    return json.dumps(WHOLE | changed).encode()


def test_whole() -> None:
    assert decode(_bytes()).sources["dmesg"].stdout == "a line"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        _bytes()[:-20],
        _bytes(sources=[]),
        _bytes(level=None),
        _bytes().replace(b"a line", b"a \xff line"),
        _bytes().replace(b"a line", b"a \\ud800 line"),
        _bytes().decode().encode("utf-16"),
    ],
    ids=lambda data: repr(data[:24]),
)
def test_not_a_capture(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"^f: not a capture: [^\n]{1,200}$"):
        decode(data, "f")


def test_other_schema() -> None:
    with pytest.raises(UsageError, match="expected 'gpu-preflight/capture/1'"):
        decode(_bytes(schema="gpu-preflight/capture/2"))


@pytest.mark.parametrize("level", ["soak", "deep", "LOOK", "", "look\n", "x" * 10_000])
def test_level_that_no_probe_takes(level: str) -> None:
    """Evidence of a level that no probe takes is not judged as if it were of another."""
    with pytest.raises(UsageError, match=r"^f: level '.{0,90}', expected look or measure$"):
        decode(_bytes(level=level), "f")
