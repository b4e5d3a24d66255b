"""Golden machines' captures as if taken a moment ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec

from preflight.capture import encode, load

HOSTS = Path(__file__).resolve().parents[1] / "hosts"


@cache
def fresh(machine: str, age: timedelta = timedelta()) -> bytes:
    """The capture's bytes, its clocks set to so long ago."""
    capture, _ = load(HOSTS / machine / "capture.json")
    stamp = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    times = {"started": stamp, "finished": stamp}
    view = msgspec.structs.replace(capture.controller, **times)
    return encode(msgspec.structs.replace(capture, controller=view, **times))
