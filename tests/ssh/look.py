"""One host reached, in a line."""

from __future__ import annotations

from typing import Any

from preflight.capture import Capture
from preflight.errors import PreflightError
from preflight.transport import Request, fetch_all
from tests.transport.fake_probe import ANSWERS
from tests.transport.told import Told


def look(host: str, probe: bytes = ANSWERS, **request: Any) -> Capture | PreflightError:
    """What came of it: a capture or the error."""
    [found] = fetch_all([host], Request(**request), Told(), probe)
    return found


def lets_in(host: str, **request: Any) -> None:
    found = look(host, **request)
    assert isinstance(found, Capture), repr(found)
    assert found.probe.version == "fake"
    assert found.controller.host == host


def refuses(host: str, kind: type[PreflightError], **request: Any) -> str:
    """The message, which names the host and has a hint."""
    found = look(host, **request)
    assert type(found) is kind, repr(found)
    assert host in str(found)
    assert found.hint
    return str(found)
