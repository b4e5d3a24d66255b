"""What a source of the capture gave: its text, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

from preflight.capture import Capture, Source, plain
from preflight.errors import NotThisKind
from preflight.facts import NOT_COLLECTED, Missing, MissingReason

Json = Mapping[str, Any]

_REASONS = frozenset(get_args(MissingReason))
_SCANNED = 64 << 10  # of an error's text; a log of megabytes is not searched for a refusal
_NOT_PERMITTED = re.compile(
    r"Operation not permitted|Permission denied|permission denied|must be root|must be superuser"
    r"|insufficient permissions|Insufficient Permissions|not seeing messages from other users"
    r"|a password is required"
)


def failure(source: Source | None) -> Missing | None:
    """Why the source gave nothing whole, None where it did; told in its own words."""
    if source is None:
        return NOT_COLLECTED
    if source.status == "ok":
        return None
    if source.status == "tool-failed" and (refused := refusal(source)):
        return refused
    reason = source.status if source.status in _REASONS else "not-collected"
    return Missing(reason, error_line(source))  # type: ignore[arg-type]


def refusal(source: Source) -> Missing | None:
    """not-permitted where the tool complains so, also if it then ended without an error."""
    return Missing("not-permitted", _refusal_line(source)) if _refused(source) else None


def text(capture: Capture, name: str) -> str | Missing:
    """A command's whole output, or why there is none."""
    source = capture.sources.get(name)
    return failure(source) or (source.stdout if source else "")


def parsed(capture: Capture, name: str, parse: Callable[[str], Json]) -> Json | Missing:
    """A command's output as its parser understands it.

    A tool that ended with an error may still have printed all it had (df with one unreadable
    mount, nvidia-smi with a damaged InfoROM): what parses is taken. What is cut off is not.
    """
    source = capture.sources.get(name)
    why = failure(source)
    if source is None or (why and source.status != "tool-failed"):
        return why or NOT_COLLECTED
    if source.truncated:
        return Missing("not-parsed", "its output was longer than the probe keeps")
    try:
        return parse(source.stdout)
    except NotThisKind as error:
        return why or Missing("not-parsed", f"{error}: {_first_line(source.stdout)}")


def files(capture: Capture, name: str) -> Mapping[str, str] | Missing:
    """The files that a source read, path to text; Missing where it has none at all."""
    source = capture.sources.get(name)
    return failure(source) or (source.files if source else {})


def file(capture: Capture, name: str, path: str) -> str | Missing:
    """One file's text, or why it could not be read."""
    source = capture.sources.get(name)
    if source is not None and path in source.files:
        return source.files[path]
    if source is not None and path in source.errors:
        return file_error(source.errors[path], path)
    return failure(source) or Missing("not-present", path)


def exists(capture: Capture, name: str, path: str) -> bool:
    """The source saw this path, as a file or as a link."""
    source = capture.sources.get(name)
    return source is not None and (path in source.files or path in source.links)


def by_name(listed: Mapping[str, str] | Missing) -> dict[str, str] | Missing:
    """Files of one folder by their bare names: the folder's real path differs between kernels."""
    if isinstance(listed, Missing):
        return listed
    return {path.rpartition("/")[2]: text for path, text in listed.items()}


def file_error(error: str, path: str) -> Missing:
    """The Missing of a path's entry in `errors`: "not-permitted", "tool-failed: EIO"."""
    reason, _, detail = error.partition(": ")
    known = reason if reason in _REASONS else "tool-failed"
    return Missing(known, f"{path} {plain(detail)}".strip())  # type: ignore[arg-type]


def error_line(source: Source) -> str:
    """The line in which a failed source says what is wrong, fit to be shown."""
    candidates = source.detail, _first_line(source.stderr), _first_line(source.stdout)
    said = next((line for line in candidates if line), "")
    return plain(said)[:200]


def _refused(source: Source) -> bool:
    return _NOT_PERMITTED.search(f"{source.stderr[:_SCANNED]}\n{source.stdout[:4096]}") is not None


def _refusal_line(source: Source) -> str:
    lines = f"{source.stderr[:_SCANNED]}\n{source.stdout[:4096]}".splitlines()
    said = next((line.strip() for line in lines if _NOT_PERMITTED.search(line)), "")
    return plain(said)[:200]


def _first_line(said: str) -> str:
    return next((line.strip() for line in said[:4096].splitlines() if line.strip()), "")
