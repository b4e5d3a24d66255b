"""Evidence that other tools wrote, made into a capture: so far NVIDIA's nvidia-bug-report.log.gz.

What is text stays text, so that the same parsers read it; nothing here judges. What such a file
cannot hold is in the capture as a source that says so.
"""

from __future__ import annotations

from pathlib import Path

from preflight import capture as captures
from preflight.capture import Capture
from preflight.errors import UsageError
from preflight.importing import bug_report, container


def load(path: Path) -> Capture:
    """The capture of a bug report; UsageError where the file is none, or too large."""
    return bug_report.read(container.unpack(_read(path), str(path)), str(path))


def load_evidence(path: Path) -> tuple[Capture, bytes]:
    """Saved evidence of any kind, and the bytes of its capture (for `capture_sha256`)."""
    data = _read(path)
    if data.lstrip()[:1] == b"{" or not (container.is_packed(data) or bug_report.is_one(data)):
        return captures.decode(data, str(path)), data
    capture = bug_report.read(container.unpack(data, str(path)), str(path))
    return capture, captures.encode(capture)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(captures.MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
