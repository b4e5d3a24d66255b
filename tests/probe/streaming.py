"""The controller's part of a stream, done by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from preflight.transport.bootstrap import bootstrap

COMMAND = ["-I", "-S", "-c", "import sys;exec(sys.stdin.buffer.readline())"]
WAITING = [sys.executable, *COMMAND]
NONCE = "0123abcd"
BEAT_S = 2.0


def launch(command: list[str], temporary: Path, **env: str) -> subprocess.Popen[bytes]:
    """Start it with pipes, and with a folder of its own for temporary files."""
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary), **env},
    )


def send(process: subprocess.Popen[bytes], probe: Path, *arguments: str, then: bytes = b"") -> None:
    data = probe.read_bytes()
    assert process.stdin is not None
    process.stdin.write(bootstrap(len(data), ["--stream", NONCE, *arguments]) + data + then)
    process.stdin.flush()


def listen(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    """Send a byte every 2 s until it ends; its exit status, stdout and stderr."""
    ended = threading.Event()

    def beat() -> None:
        assert process.stdin is not None
        while not ended.wait(BEAT_S):
            try:
                os.write(process.stdin.fileno(), b"\n")
            except BrokenPipeError:
                return

    errors: list[bytes] = []
    assert process.stdout is not None
    assert process.stderr is not None
    threads = [
        threading.Thread(target=beat),
        threading.Thread(target=lambda read=process.stderr.read: errors.append(read())),
    ]
    for thread in threads:
        thread.start()
    out = process.stdout.read()
    status = process.wait()
    ended.set()
    for thread in threads:
        thread.join()
    return status, out, errors[0]


def between(out: bytes) -> bytes:
    """The capture between its markers."""
    begin, end = (f"\n==preflight {NONCE} {word}==\n".encode() for word in ("begin", "end"))
    assert out.startswith(begin)
    assert out.endswith(end)
    return out[len(begin) : -len(end)]
