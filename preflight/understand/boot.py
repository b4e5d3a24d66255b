"""When the host was booted, and what its kernel's stamps mean by that: seconds since then."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from preflight.capture import Capture
from preflight.facts import Fact, Missing
from preflight.understand.sources import file

_BOOTED = re.compile(r"^btime (\d{1,12})$", re.MULTILINE)
_UPTIME = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(?: |$)")
_SECONDS = re.compile(r"\d{1,10}\.\d{1,9}")
_LATEST = 1 << 33  # a boot in the year 2242


def booted(capture: Capture) -> Fact[float]:
    """Seconds since 1970: the kernel's own word, else the capture's begin less the uptime."""
    content = file(capture, "proc", "/proc/stat")
    if isinstance(content, Missing):
        return content if capture.imported else _before(capture)
    found = _BOOTED.search(content)
    return _sane(float(found[1])) if found else Missing("not-parsed", "/proc/stat")


def uptime(capture: Capture) -> Fact[float]:
    content = file(capture, "proc", "/proc/uptime")
    if isinstance(content, Missing):
        return content
    found = _UPTIME.match(content)
    return float(found[1]) if found else Missing("not-parsed", "/proc/uptime")


def moment(stamp: str, since: Fact[float]) -> str:
    """The kernel's stamp as a time in UTC, good to some seconds; any other stamp as it is."""
    if not isinstance(since, float) or not _SECONDS.fullmatch(stamp):
        return stamp
    return told(since + float(stamp)) or stamp


def _before(capture: Capture) -> Fact[float]:
    seconds = uptime(capture)
    if not isinstance(seconds, float):
        return seconds
    try:
        begun = datetime.fromisoformat(capture.started)
    except ValueError:
        return Missing("not-parsed", "the capture's begin")
    if begun.tzinfo is None:
        return Missing("not-parsed", "the capture's begin has no time zone")
    return _sane(begun.timestamp() - seconds)


def _sane(seconds: float) -> Fact[float]:
    return seconds if 0 < seconds < _LATEST else Missing("not-parsed", "no time of a boot")


def told(seconds: float) -> str | None:
    """RFC 3339 of seconds since 1970."""
    if not 0 < seconds < 2 * _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
