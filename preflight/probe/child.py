"""Starting children: each in its own session, dead when the probe dies, never waited for.

A child has three pipes to the probe: stdout, stderr, and `report`, which closes when the command
was started, and else says why it was not.
"""

from __future__ import annotations

import ctypes
import errno
import marshal
import os
import signal
import sys

from preflight.probe.tools import ToolSearch
from preflight.probe.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from preflight.probe.files import Emit, Step
    from preflight.probe.sources import Source

    Read = Callable[[Step, Emit], None]

PR_SET_PDEATHSIG = 1
DEFECT = 70  # exit status of a child that raised


class Child:
    """A process and our ends of its pipes: "stdout", "stderr", "report"."""

    def __init__(self, pid: int, pipes: dict[str, int]) -> None:
        self.pid = pid
        self.pipes = pipes


def spawn(work: Callable[[int], None], stdin: bytes = b"") -> Child:
    """Fork, and run `work(report)` there; `stdin` is small enough for a pipe's buffer.

    OSError, with nothing left open, where the user may have no more processes or files.
    """
    opened: list[int] = []
    try:
        pipes = {name: _pipe(opened) for name in ("stdout", "stderr", "report")}
        feed = _pipe(opened) if stdin else None
        if feed:
            os.write(feed[1], stdin)
        parent = os.getpid()
        pid = os.fork()
    except OSError:
        for descriptor in opened:
            os.close(descriptor)
        raise
    if pid == 0:
        _run(lambda: _become(parent, pipes, feed), work, pipes["report"][1])
    for _, theirs in pipes.values():
        os.close(theirs)
    if feed:
        os.close(feed[0])
        os.close(feed[1])
    for ours, _ in pipes.values():
        os.set_blocking(ours, False)
    return Child(pid, {name: ours for name, (ours, _) in pipes.items()})


def _pipe(opened: list[int]) -> tuple[int, int]:
    ends = os.pipe()
    opened.extend(ends)
    return ends


def _run(become: Callable[[], None], work: Callable[[int], None], report: int) -> NoReturn:
    """Nothing of the child's may ever run on in the probe's code: it ends here."""
    status = DEFECT
    try:
        become()
        work(report)
        status = 0
    finally:
        if status:
            os.write(2, repr(sys.exc_info()[1]).encode("utf-8", "backslashreplace"))
        os._exit(status)


def _become(parent: int, pipes: dict[str, tuple[int, int]], feed: tuple[int, int] | None) -> None:
    """In the child: own session, ordinary signals, no descriptor of the probe's own streams.

    A child that hangs in the kernel would else hold the connection's streams open for ever.
    """
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    # pythonapi is the running program itself, which holds libc: nothing is loaded.
    ctypes.pythonapi.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:  # it ended before it could be asked for
        os._exit(DEFECT)
    for ours, _ in pipes.values():  # room for what is opened here, where little may be open
        os.close(ours)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(feed[0] if feed else null, 0)
    os.dup2(pipes["stdout"][1], 1)
    os.dup2(pipes["stderr"][1], 2)
    os.chdir("/")


def command(source: Source, tools: ToolSearch, sudo: tuple[str, ...]) -> Callable[[int], None]:
    """Find and execute the tool; `sudo` holds sudo's options, empty to run it plainly."""

    def work(report: int) -> None:
        path, refusal = tools.find(source.argv[0])
        if not refusal and source.devices and not any(map(tools.tree.exists, source.devices)):
            refusal = ("not-present", "no " + source.devices[0])
        argv = source.argv
        if sudo and not refusal:
            argv, refusal = tools.through_sudo((path, *argv[1:]), sudo)
            path = argv[0]
        if not refusal:
            try:
                os.execve(path, argv, tools.environment())
            except OSError as error:
                is_forbidden = error.errno == errno.EACCES
                status = "not-permitted" if is_forbidden else "tool-failed"
                refusal = (status, f"{source.argv[0]}: {error.strerror}")
        os.write(report, marshal.dumps(refusal))

    return work


def collector(read: Read) -> Callable[[int], None]:
    """Run a reader of this package; what it gives goes to stdout's pipe, message by message.

    A message is a text, the step about to be made, or a tuple: keys, and the value that belongs
    there. Each step carries what was given before it in one write.
    """

    def work(report: int) -> None:
        out = os.dup(1)
        os.dup2(0, 1)  # what a library prints must not mix with the messages
        pending = bytearray()

        def put(message: Any) -> None:
            data = marshal.dumps(message)
            pending.extend(len(data).to_bytes(4, "little") + data)

        def flush() -> None:
            while pending:
                del pending[: os.write(out, pending)]

        def step(name: str) -> None:
            put(name)
            flush()

        def emit(*keys_and_value: Any) -> None:
            put(keys_and_value)

        read(step, emit)
        emit("ended", True)
        flush()

    return work


def reader(source: Source, tree: Tree, known: frozenset[int], hung: frozenset[int]) -> Read:
    """The function that reads a source; what it needs is loaded when the first one is started.

    `known` and `hung` are cards that earlier children of this source read, or hung at.

    NVML's binding is loaded in its child: it takes long, and the tools run meanwhile.
    """
    if source.reader == "nvml":

        def read_nvml(step: Step, emit: Emit) -> None:
            from preflight.probe import nvml

            nvml.collect(tree, step, emit, known, hung)

        return read_nvml
    if source.reader == "measure":

        def measure(step: Step, emit: Emit) -> None:
            from preflight.probe.record import Record

            Record(step, emit).run(source.work)

        return measure
    from preflight.probe import files, pci

    if source.reader == "pci":
        return lambda step, emit: pci.collect(tree, step, emit)
    return lambda step, emit: files.collect(source.name, tree, step, emit)
