"""Starting children: each in its own session, dead when the probe dies, never waited for.

A child has three pipes to the probe: stdout, stderr, and `report`, which closes when the command
was started, and else says why it was not.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys

from preflight.probe import files, pci
from preflight.probe.tools import ToolSearch
from preflight.probe.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from preflight.probe.sources import Source

PR_SET_PDEATHSIG = 1
FLUSH_BYTES = 32 << 10


class Child:
    """A running process and our ends of its pipes."""

    def __init__(self, pid: int, pipes: dict[str, int]) -> None:
        self.pid = pid
        self.pipes = pipes  # "stdout", "stderr", "report" -> descriptor


def spawn(work: Callable[[int], None], stdin: bytes = b"") -> Child:
    """Fork, and run `work(report)` there; `stdin` is small enough for a pipe's buffer."""
    pipes = {name: os.pipe() for name in ("stdout", "stderr", "report")}
    feed = os.pipe() if stdin else None
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(parent, pipes, feed)
        _run(work, pipes["report"][1])
    for _, theirs in pipes.values():
        os.close(theirs)
    if feed:
        os.close(feed[0])
        os.write(feed[1], stdin)
        os.close(feed[1])
    for ours, _ in pipes.values():
        os.set_blocking(ours, False)
    return Child(pid, {name: ours for name, (ours, _) in pipes.items()})


def _become(parent: int, pipes: dict[str, tuple[int, int]], feed: tuple[int, int] | None) -> None:
    """In the child: own session, ordinary signals, no descriptor of the probe's own streams.

    A child that hangs in the kernel would else hold the connection's streams open for ever.
    """
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    die_with_parent(parent)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(feed[0] if feed else null, 0)
    os.dup2(pipes["stdout"][1], 1)
    os.dup2(pipes["stderr"][1], 2)
    os.chdir("/")


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends, however it ends."""
    # pythonapi is the running program itself, which holds libc: nothing is loaded.
    ctypes.pythonapi.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _run(work: Callable[[int], None], report: int) -> NoReturn:
    """Nothing of the child's may ever run on in the probe's code: it ends here."""
    status = 70
    try:
        work(report)
        status = 0
    finally:
        if status:
            os.write(2, repr(sys.exc_info()[1]).encode())
        os._exit(status)


def command(source: Source, tools: ToolSearch, sudo: tuple[str, ...]) -> Callable[[int], None]:
    """Find and execute the tool; `sudo` holds sudo's options, empty to run it plainly."""

    def work(report: int) -> None:
        path, refusal = tools.find(source.argv[0])
        if not refusal and source.devices and not any(map(tools.tree.exists, source.devices)):
            refusal = ("not-present", "no " + source.devices[0])
        argv = (path, *source.argv[1:])
        if sudo and not refusal:
            argv, refusal = tools.through_sudo(argv, sudo)
        if not refusal:
            try:
                os.execve(argv[0], argv if sudo else source.argv, tools.environment())
            except OSError as error:
                status = "not-permitted" if error.errno == 13 else "tool-failed"
                refusal = (status, f"{source.argv[0]}: {error.strerror}")
        os.write(report, json.dumps(refusal).encode())

    return work


def collector(source: Source, tree: Tree, done: frozenset[int]) -> Callable[[int], None]:
    """Run a reader of this package; its lines go to stdout's pipe, each step before it is made.

    A line is a JSON text (the step about to be made) or a list: the keys and the value there.
    """

    def work(report: int) -> None:
        lines = os.dup(1)
        os.dup2(0, 1)  # what a library prints must not mix with the lines
        pending: list[str] = []

        def step(name: str) -> None:
            pending.append(json.dumps(name))
            flush()

        def emit(*keys_and_value: Any) -> None:
            pending.append(json.dumps(keys_and_value))

        def flush() -> None:
            write_all(lines, ("\n".join(pending) + "\n").encode())
            pending.clear()

        read(source, tree, step, emit, done)
        pending.append(json.dumps(["ended", True]))
        flush()

    return work


def read(source: Source, tree: Tree, step: Any, emit: Any, done: frozenset[int]) -> None:
    if source.reader == "nvml":
        from preflight.probe import nvml

        nvml.collect(tree, step, emit, done)
    elif source.reader == "pci":
        pci.collect(tree, step, emit)
    else:
        files.collect(source.name, tree, step, emit)


def write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
