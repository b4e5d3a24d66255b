"""The same recording, as other programs would have saved it, gives the same facts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from preflight import parsers
from preflight.errors import NotThisKind
from tests.parsers.recordings import Recording, all_recordings

# What a terminal, an editor, a collector does to a text. Kernel logs keep their stamps, so that
# only what stands before those may be added there.
DISGUISES: dict[str, Callable[[str], str | bytes]] = {
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "utf16": lambda text: text.encode("utf-16"),
    "utf16-no-mark": lambda text: text.encode("utf-16-le"),
    "mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "nuls": lambda text: text.replace("\n", "\x00\x00\n"),
    "colours": lambda text: text.replace("\n", "\x1b[0m\n\x1b[32m"),
    "colours-lost": lambda text: text.replace("\n", "[0m\n[32m"),
    "indented": lambda text: "\n".join("    " + line for line in text.split("\n")),
    "quoted": lambda text: "\n".join("> " + line for line in text.split("\n")),
    "compose": lambda text: "\n".join("gpu-1  | " + line for line in text.split("\n")),
    "kubernetes": lambda text: "\n".join(
        "2026-03-02T10:00:00.123456789Z stdout F " + line for line in text.split("\n")
    ),
    "command": lambda text: "user@host:~$ nvidia-smi something\n" + text + "\nuser@host:~$ exit\n",
}
BLANKS = {"topo", "p2p", "lspci"}


@pytest.fixture(scope="module")
def readable(corpus: Path) -> list[Recording]:
    found = [one for one in all_recordings(corpus) if one.kind in parsers.KINDS]
    return [one for one in found if len(one.data) < 70_000 and _read(one.kind, one.data)]


def _read(kind: str, data: bytes) -> object:
    try:
        return parsers.parse(kind, data)
    except NotThisKind:
        return None


@pytest.mark.parametrize("name", DISGUISES)
def test_disguise(readable: list[Recording], name: str) -> None:
    assert len(readable) > 60
    for one in readable:
        text = parsers.decode_bytes(one.data)
        disguised = DISGUISES[name](text)
        data = disguised if isinstance(disguised, bytes) else disguised.encode()
        facts, wanted = _read(one.kind, data), _read(one.kind, text.encode())
        if one.kind == "kernel" and isinstance(facts, dict) and name == "kubernetes":
            continue  # the collector's stamp comes first; both are stamps
        assert facts == wanted, f"{one.name} {name}"


def test_tabs_made_blanks(readable: list[Recording]) -> None:
    for one in readable:
        if one.kind in BLANKS:
            text = parsers.decode_bytes(one.data)
            assert _read(one.kind, text.expandtabs(8).encode()) == _read(one.kind, text.encode())
