"""Tools' recorded output as JSON: one module a kind, each with a pure `parse(text) -> dict`.

A kind's module is named after it (`nccl-tests` is nccl_tests.py) and holds `KIND`,
`EXPECTED` (what NotThisKind says it wanted) and `parse`. It is imported when first asked for.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol, cast

from preflight.errors import UsageError
from preflight.parsers.recording import decode_bytes, plain_text

KINDS = (
    "topo",
    "p2p",
    "smi",
    "kernel",
    "lspci",
    "ipmi-sdr",
    "ipmi-sensor",
    "ipmi-dcmi",
    "nccl-tests",
    "nccl-debug",
    "vllm-log",
)
RESERVED = ("redfish",)

__all__ = ["KINDS", "RESERVED", "Parser", "decode_bytes", "parse", "parser", "plain_text"]


class Parser(Protocol):
    KIND: str
    EXPECTED: str

    def parse(self, text: str) -> dict[str, Any]: ...


def parser(kind: str) -> Parser:
    """The parser of a kind; UsageError for one that is not there."""
    if kind in RESERVED:
        raise UsageError(f"parse {kind}: not there yet", f"there are: {', '.join(KINDS)}")
    if kind not in KINDS:
        raise UsageError(f"parse: no such kind: {kind!r:.80}", f"there are: {', '.join(KINDS)}")
    return cast("Parser", importlib.import_module(f"{__name__}.{kind.replace('-', '_')}"))


def parse(kind: str, data: bytes) -> dict[str, Any]:
    """One recorded output as JSON; NotThisKind where it is something else."""
    return parser(kind).parse(decode_bytes(data))
