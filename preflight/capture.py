"""Raw evidence from one host: load, save, limits. The shape is told in docs/capture.md.

A capture comes from a machine that nobody trusts: its size, types and nesting are checked here,
once, and nothing in it is ever executed or interpreted as markup.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec

from preflight.errors import UsageError

SCHEMA = "gpu-preflight/capture/1"
# What a probe can have taken; evidence of another is not judged as if it were.
LEVELS = ("look", "measure")
MAX_BYTES = 64 << 20
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|\x1b[@-_]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


class NvmlCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """One NVML call: its value, or the error's name without NVML_ERROR_."""

    value: Any = None
    error: str | None = None


class NvmlDevice(msgspec.Struct, frozen=True, omit_defaults=True):
    index: int
    handle_error: str | None = None  # nvmlDeviceGetHandleByIndex refused; `calls` is then empty
    calls: dict[str, NvmlCall] = {}


class ProcessRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What /proc says of a process that NVML named; "" where it could not be read."""

    comm: str = ""
    cgroup: str = ""
    stat: str = ""


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one source gave. Which fields are filled depends on its kind."""

    status: str  # "ok", or a facts.MissingReason
    detail: str = ""
    duration_s: float = 0.0
    # a command
    argv: list[str] | None = None
    exit_code: int | None = None
    stdout: str = ""
    stderr: str = ""
    truncated: bool = False
    privileged: bool = False
    # files and links
    files: dict[str, str] = {}
    binary: dict[str, str] = {}  # hexadecimal
    links: dict[str, str] = {}
    errors: dict[str, str] = {}  # path -> "not-permitted", "not-present", "tool-failed: EIO"
    # NVML
    system: dict[str, NvmlCall] = {}
    devices: list[NvmlDevice] = []
    processes: dict[str, ProcessRecord] = {}


class Measurement(msgspec.Struct, frozen=True, omit_defaults=True):
    """One measurement of a card, of a directed pair or of several cards: raw samples."""

    name: str
    status: str  # "ok", or why there is no figure; see docs/capture.md
    detail: str = ""
    pci: str = ""
    of: str = msgspec.field(default="", name="from")  # the card whose memory is read
    to: str = ""  # the card whose memory is written
    cards: list[str] = []
    unit: str = ""
    method: str = ""
    samples: list[float] = []
    duration_s: float = 0.0
    values: dict[str, Any] = {}  # what this measurement adds


class ProbeRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the probe ran: who it was and what it may read."""

    version: str = ""
    python: str = ""
    user: str = ""
    uid: int | None = None
    sudo: bool = False  # privileged sources ran through sudo -n
    duration_s: float = 0.0
    stopped: str = ""  # why it ended early: "deadline", "controller-gone", "signal"


class ControllerView(msgspec.Struct, frozen=True, omit_defaults=True):
    """What only the controller knows."""

    host: str = ""
    started: str = ""
    finished: str = ""
    rtt_s: float | None = None
    clock_offset_s: float | None = None


class Imported(msgspec.Struct, frozen=True, omit_defaults=True):
    """The evidence was not taken by the probe: which tool wrote it, in that tool's words."""

    tool: str
    version: str = ""
    date: str = ""  # in the words of the user's locale
    host: str = ""
    flags: str = ""  # its command line


class Capture(msgspec.Struct, frozen=True, omit_defaults=True):
    schema: str
    level: str
    started: str  # host's clock, RFC 3339 UTC
    finished: str
    probe: ProbeRun
    sources: dict[str, Source]
    measurements: list[Measurement] = []
    complete: bool = False
    simulated: str | None = None  # set by the controller for a simulated machine
    controller: ControllerView = ControllerView()
    imported: Imported | None = None  # made of another tool's file


def plain(text: str) -> str:
    """A host's text fit to be shown: no escapes, no control or direction characters."""
    return _ESCAPES.sub("", text)


def decode(data: bytes, name: str = "the capture") -> Capture:
    """Read a capture; UsageError with one line where it is none, too large or malformed."""
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"{name}: {len(data) >> 20} MiB, larger than the {MAX_BYTES >> 20} MiB of a capture"
        )
    try:
        capture = msgspec.json.decode(data, type=Capture)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(
            f"{name}: not a capture: {plain(str(error))[:200]}",
            "a capture is what --save-capture or probe.pyz wrote",
        ) from error
    if capture.schema != SCHEMA:
        raise UsageError(
            f"{name}: schema {plain(capture.schema)[:80]!r}, expected {SCHEMA!r}",
            "a newer capture needs a newer preflight",
        )
    if capture.level not in LEVELS:
        raise UsageError(
            f"{name}: level {plain(capture.level)[:80]!r}, expected {' or '.join(LEVELS)}",
            "a newer capture needs a newer preflight",
        )
    return capture


def load(path: Path) -> tuple[Capture, bytes]:
    """A saved capture and its bytes (for `capture_sha256`)."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    return decode(data, str(path)), data


def encode(capture: Capture) -> bytes:
    """The bytes that `--save-capture` writes: sorted keys, one line a level-two entry."""
    return msgspec.json.format(msgspec.json.encode(capture, order="sorted"), indent=1) + b"\n"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
