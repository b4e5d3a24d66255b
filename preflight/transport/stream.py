"""One conversation with the probe, the same over SSH and over a local pipe.

In goes one bootstrap line, the probe, then a byte every 2 s, whose absence ends it. Out come the
capture between two marker lines (login shells print before and after) and, on the other stream, the
steps as JSON lines. All of it is a stranger's: bounded, and shown only after `plain`.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from preflight import capture
from preflight.capture import Capture, ControllerView, plain
from preflight.errors import ProbeFailed, TimedOut, UsageError
from preflight.transport.bootstrap import bootstrap
from preflight.transport.diagnosis import BY_HAND, Ending, diagnose
from preflight.transport.request import Request, Step

# One line that dash, bash, tcsh and fish read alike; Python starts bare, in 8 ms.
COMMAND = 'exec python3 -I -S -c "import sys;exec(sys.stdin.buffer.readline())"'
BEAT_S = 2.0  # the probe gives up after 10 s of silence
_MAX_LINE = 4096
_DAY_S = 86_400.0  # longer than any run; the estimate is a stranger's word
_KEPT_LINES = 40  # of what is not the probe's, for the error message


class Wire(Protocol):
    """A command that runs somewhere, with its three streams."""

    def send(self, data: bytes) -> None:
        """Give all of it to the command's input."""

    def receive(self, timeout_s: float) -> tuple[bytes, bytes] | None:
        """What has come on output and on errors, perhaps nothing; None once both have ended."""

    def exit_status(self) -> int | None:
        """Asked after the end; None where it is not known."""


@dataclass(frozen=True)
class Moment:
    """The controller's clock at one moment, monotonic for durations and UTC for the capture."""

    monotonic_s: float
    utc: datetime

    @staticmethod
    def now() -> Moment:
        return Moment(time.monotonic(), datetime.now(UTC))


def converse(
    wire: Wire, label: str, request: Request, probe: bytes, on_step: Callable[[Step], None]
) -> tuple[Capture, Moment]:
    """Run the probe and give its capture, with the moment of the first sign of life.

    ProbeFailed with the reason where no capture came, TimedOut after the request's limit.
    """
    nonce = secrets.token_hex(16)
    output, errors = Between(nonce), Lines(on_step)
    deadline_s = time.monotonic() + request.time_limit_s
    wire.send(bootstrap(len(probe), request.argv(nonce)) + probe + request.input)
    beat_s, first = time.monotonic() + BEAT_S, None
    while (piece := wire.receive(max(0.0, beat_s - time.monotonic()))) is not None:
        output.feed(piece[0])
        errors.feed(piece[1])
        first = first or (Moment.now() if errors.has_started else None)
        if output.is_complete:
            return _decoded(output.content, label), first or Moment.now()
        if output.is_too_large:
            raise ProbeFailed(
                f"{label}: sent more than {capture.MAX_BYTES >> 20} MiB, which is no capture",
                "what does the host print at a login? " + BY_HAND,
            )
        if time.monotonic() > deadline_s:
            raise TimedOut(
                f"{label}: no capture within {request.time_limit_s:.0f} s; "
                f"the last step was {errors.last or 'none'}",
                "a host that hangs is worth a look by hand; " + BY_HAND,
            )
        if time.monotonic() >= beat_s:
            wire.send(b"\n")
            beat_s = time.monotonic() + BEAT_S
    has_started = errors.has_started or output.has_begun
    status = wire.exit_status()
    ending = Ending(status, output.noise, errors.noise, errors.refusal, has_started)
    raise diagnose(label, ending)


def _decoded(content: bytes, label: str) -> Capture:
    try:
        return capture.decode(content, label)
    except UsageError as error:  # bad input from a person's file; from a host it is the probe's
        raise ProbeFailed(str(error), error.hint) from error


def seen_by(
    found: Capture, host: str, started: Moment, rtt_s: float | None, offset_s: float | None
) -> Capture:
    """The capture with what only the controller knows; a host's own word on that is dropped."""
    view = ControllerView(
        host=host,
        started=_stamp(started.utc),
        finished=_stamp(datetime.now(UTC)),
        rtt_s=rtt_s,
        clock_offset_s=offset_s,
    )
    return msgspec.structs.replace(found, controller=view, simulated=None)


def clock_offset_s(host_started: str, first: Moment, rtt_s: float) -> float | None:
    """Host minus controller, from the probe's first stamp and when its first step came in.

    Off by the time between the two on the host, tens of milliseconds; None for an unread stamp.
    """
    try:
        stamp = datetime.fromisoformat(host_started)
    except ValueError:
        return None
    if stamp.tzinfo is None:
        return None
    return round((stamp - first.utc).total_seconds() + rtt_s / 2, 3)


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Between:
    """What stands between the two markers of a stream; noise around them is kept, bounded."""

    def __init__(self, nonce: str) -> None:
        self._begin = f"\n==preflight {nonce} begin==\n".encode()
        self._end = f"\n==preflight {nonce} end==\n".encode()
        self._buffer = bytearray(b"\n")  # the marker may be the very first line
        self._noise = 0
        self.has_begun = False
        self.content = b""
        self.is_complete = False

    def feed(self, data: bytes) -> None:
        if self.is_complete or not data:
            return
        marker = self._end if self.has_begun else self._begin
        start = max(0, len(self._buffer) - len(marker))
        self._buffer += data
        found = self._buffer.find(marker, start)
        if self.has_begun and found >= 0:
            self.content, self.is_complete = bytes(self._buffer[:found]), True
        elif found >= 0:
            rest = bytes(self._buffer[found + len(marker) :])
            self._buffer, self.has_begun = bytearray(), True
            self.feed(rest)
        elif not self.has_begun:
            self._drop_noise()

    def _drop_noise(self) -> None:
        keep = _MAX_LINE
        if len(self._buffer) > 2 * keep:
            self._noise += len(self._buffer) - keep
            del self._buffer[:-keep]

    @property
    def is_too_large(self) -> bool:
        return len(self._buffer) + self._noise > capture.MAX_BYTES

    @property
    def noise(self) -> str:
        """The last of what came instead of a capture."""
        return "" if self.has_begun else self._buffer.decode(errors="replace").strip()


class Lines:
    """The error stream line by line: steps of the probe, and everything else."""

    def __init__(self, on_step: Callable[[Step], None]) -> None:
        self._on_step = on_step
        self._open = b""
        self._other: deque[str] = deque(maxlen=_KEPT_LINES)
        self.has_started = False  # the probe has said its first word
        self.refusal = ""
        self.last = ""

    def feed(self, data: bytes) -> None:
        *lines, self._open = (self._open + data).split(b"\n")
        self._open = self._open[-_MAX_LINE:]
        for line in lines:
            self._take(line[-_MAX_LINE:])

    def _take(self, line: bytes) -> None:
        event = _event(line)
        if event is None:
            self._other.append(line.decode(errors="replace"))
        elif event["event"] == "refused":
            self.refusal = plain(str(event.get("detail")))[:200]
        else:
            self.has_started = True
            if step := _step(event):
                self.last = step.name
                self._on_step(step)

    @property
    def noise(self) -> str:
        return "\n".join([*self._other, self._open.decode(errors="replace")]).strip()


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and "event" in told else None


def _step(event: dict[str, Any]) -> Step | None:
    if event["event"] == "load":
        return Step("load", 0, 0, notice=plain(str(event.get("words")))[:200])
    name, done, of = event.get("name"), event.get("done"), event.get("of")
    if isinstance(name, str) and type(done) is int and type(of) is int:
        card = plain(str(event.get("card") or ""))[:40]
        return Step(plain(name)[:80], done, of, _left_s(event.get("left_s")), card)
    return None


def _left_s(told: object) -> float | None:
    is_time = isinstance(told, (int, float)) and 0 <= told < _DAY_S
    return float(told) if isinstance(told, (int, float)) and is_time else None
