"""The controller's way: a capture between marker lines, and an end when the controller is gone."""

from __future__ import annotations

import os
import select
import sys
import time

from preflight.probe.loop import Loop, Stopped

SILENCE_S = 10.0  # the controller sends a byte every 2 s; a cut network sends no end of file
CHUNK_BYTES = 4096  # a pipe that is ready takes this much without blocking (PIPE_BUF)
GONE = 1  # exit status; nobody is there to read it


class ControllerWatch:
    """Raises Stopped when stdin ends or falls silent."""

    def __init__(self, loop: Loop) -> None:
        self.heard = time.monotonic()
        loop.watch_stream(0, self.on_input)
        loop.watchers.append(self.check)

    def on_input(self, descriptor: int) -> None:
        if not os.read(descriptor, CHUNK_BYTES):
            raise Stopped("controller-gone", GONE)
        self.heard = time.monotonic()

    def check(self, now: float) -> float:
        """When to look again."""
        if now - self.heard > SILENCE_S:
            raise Stopped("controller-gone", GONE)
        return self.heard + SILENCE_S + 0.1


def framed(data: bytes, nonce: str) -> bytes:
    begin, end = (f"\n==preflight {nonce} {word}==\n".encode() for word in ("begin", "end"))
    return begin + data + end


def write_out(data: bytes, loop: Loop) -> None:
    """To stdout, in pieces, between which the watchers look; Stopped where stdout breaks."""
    view = memoryview(data)
    poll = select.poll()
    poll.register(1, select.POLLOUT)
    while view:
        loop.turn(time.monotonic())
        if poll.poll(200):
            try:
                view = view[os.write(1, view[:CHUNK_BYTES]) :]
            except OSError as error:  # a broken pipe, a full disk
                raise Stopped(f"stdout: {error.strerror}", GONE) from error


def write_progress(line: bytes) -> None:
    """To stderr where it takes it at once: progress is no evidence, and nothing waits for it."""
    if is_one_stream() or not select.select([], [2], [], 0)[1]:
        return
    try:
        os.write(2, line)
    except BrokenPipeError as error:  # whoever listened has gone
        raise Stopped(f"stderr: {error.strerror}", GONE) from error
    except OSError:  # a full disk, a terminal that went: no reason to lose the capture
        return


def is_one_stream() -> bool:
    """Does stderr go where stdout goes? nohup does that, and cron: the capture must stay JSON."""
    return os.path.sameopenfile(1, 2)


def read_password() -> bytes:
    """One line of stdin, through the buffer that already holds its beginning."""
    return sys.stdin.buffer.readline(1024)
