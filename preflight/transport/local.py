"""This machine, without SSH: the same command, the same bytes, through pipes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable

from preflight.capture import Capture
from preflight.errors import ProbeFailed
from preflight.transport.diagnosis import BY_HAND
from preflight.transport.request import OpenConnections, Request, Step
from preflight.transport.stream import COMMAND, Moment, converse, seen_by
from preflight.transport.target import LOCAL

_PIECE = 1 << 20
_END_S = 5.0  # for the probe to end its children
_UNREAD_S = 20.0  # input that the command does not take for so long never will be


def fetch(
    request: Request,
    probe: bytes,
    on_step: Callable[[Step], None],
    opened: OpenConnections,
) -> Capture:
    """This machine's capture; no round trip, and one clock only."""
    started = Moment.now()
    process = subprocess.Popen(
        ["/bin/sh", "-c", COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,  # Ctrl-C reaches the controller, whose closing pipe ends the probe
    )
    opened(process.terminate)
    try:
        found, _ = converse(_PipeWire(process), LOCAL, request, probe, on_step)
    finally:
        _end(process)
    return seen_by(found, LOCAL, started, None, None)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its input, on which the probe ends its own children, then itself; else end it."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class _PipeWire:
    """A process's three pipes, as stream.Wire."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self._process = process
        self._input = process.stdin.fileno()
        self._output = process.stdout.fileno()
        self._errors = process.stderr.fileno()
        self._writable, self._readable = select.poll(), select.poll()
        self._writable.register(self._input, select.POLLOUT)
        self._open = {self._output, self._errors}
        for descriptor in self._open:
            self._readable.register(descriptor, select.POLLIN)
        os.set_blocking(self._input, False)

    def send(self, data: bytes) -> None:
        while data:
            if not self._writable.poll(_UNREAD_S * 1000):
                raise ProbeFailed(f"{LOCAL}: python3 does not read its input", BY_HAND)
            try:
                data = data[os.write(self._input, data) :]
            except BrokenPipeError:
                return  # it has ended; what it said last is still to be received, and says why

    def receive(self, timeout_s: float) -> tuple[bytes, bytes] | None:
        if not self._open:
            return None
        ready = {descriptor for descriptor, _ in self._readable.poll(timeout_s * 1000)}
        return self._read(self._output, ready), self._read(self._errors, ready)

    def _read(self, descriptor: int, ready: set[int]) -> bytes:
        if descriptor not in ready:
            return b""
        data = os.read(descriptor, _PIECE)
        if not data:
            self._readable.unregister(descriptor)
            self._open.discard(descriptor)
        return data

    def exit_status(self) -> int:
        return self._process.wait(_END_S)
