"""The loop that runs all sources side by side, single-threaded, and waits for none of them.

A child that cannot be killed (it hangs inside the kernel) costs its own time limit and no more:
what it gave until then is kept, and the probe ends without it.
"""

from __future__ import annotations

import os
import select
import selectors
import signal
import time
from functools import partial

from preflight.probe.child import collector, command, reader, spawn
from preflight.probe.job import Job
from preflight.probe.tools import ToolSearch
from preflight.probe.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from preflight.probe.sources import Source
    from preflight.probe.sudo import Sudo

MAX_RUNNING = 12  # a guess: more only slow each other down on a small host
READ_BYTES = 64 << 10
EXEC_S = 1.0  # a guess: until a forked child has started its program
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Stopped(Exception):
    """The run ends early and without a capture; `reason` as in the capture's `stopped`."""

    def __init__(self, reason: str, exit_status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.exit_status = exit_status


class Order:
    """When a source may start; sources of one lane run one after another."""

    def refusal(self, source: Source) -> str:
        """Why it is not to be started at all; empty where it is."""
        return ""

    def is_ready(self, source: Source, loop: Loop) -> bool:
        return not source.lane or source.lane not in {j.source.lane for j in loop.running.values()}

    def begun(self, source: Source, loop: Loop) -> None:
        """It has been started."""

    def ended(self, source: Source, result: dict[str, Any], loop: Loop) -> None:
        """Its entry is there."""
        loop.progress(
            "source",
            name=source.name,
            status=result["status"],
            duration_s=result.get("duration_s", 0.0),
            done=len(loop.results),
            of=loop.total,
        )


class Loop:
    """Runs sources; `order` may be changed between two runs."""

    def __init__(
        self, tree: Tree, sudo: Sudo, deadline_s: float, progress: Callable[..., None]
    ) -> None:
        self.pending: list[Source] = []
        self.total = 0
        self.order = Order()
        self.tree = tree
        self.tools = ToolSearch(tree, os.environ.get("PATH", ""))
        self.sudo = sudo
        self.started = time.monotonic()
        self.deadline = self.started + deadline_s
        self.progress = progress
        self.running: dict[int, Job] = {}
        self.killed: set[int] = set()
        self.results: dict[str, dict[str, Any]] = {}
        self.gave_up = False  # the deadline came first
        self.selector = selectors.PollSelector()
        self.watchers: list[Callable[[float], float]] = []
        self._listen_to_signals()

    def run(self, sources: Iterable[Source]) -> dict[str, dict[str, Any]]:
        """Every source's entry until now; Stopped where a signal or a watcher ends the run."""
        self.pending = list(sources)
        self.total += len(self.pending)
        try:
            self._start()  # the first, slowest ones run while progress is loaded
            if not self.results:
                self.progress("start", sources=self.total)
            while self.pending or self.running:
                self._start()
                self.turn(self._next_limit())
                self._reap()
                self._expire()
        finally:
            for job in list(self.running.values()):
                self._kill(job)
        return self.results

    def turn(self, until: float) -> None:
        """Handle whatever is readable; return at the monotonic time `until` at the latest."""
        now = time.monotonic()
        until = min([until] + [watch(now) for watch in self.watchers])
        for key, _ in self.selector.select(max(0.0, until - now)):
            key.data(key.fd)

    def watch_stream(self, descriptor: int, handle: Callable[[int], None]) -> None:
        self.selector.register(descriptor, selectors.EVENT_READ, handle)

    def stop(self, job: Job, why: str = "") -> None:
        """End a job from outside, with what it gave until now."""
        self._finish(job, why)

    # signals

    def _listen_to_signals(self) -> None:
        wake, self.wakeup = os.pipe()
        for descriptor in (wake, self.wakeup):
            os.set_blocking(descriptor, False)
        for number in (signal.SIGCHLD, *ENDING):
            if number is signal.SIGCHLD or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self.wakeup, warn_on_full_buffer=False)
        self.watch_stream(wake, self._on_signal)

    def _on_signal(self, descriptor: int) -> None:
        for number in os.read(descriptor, 256):
            if number in ENDING:
                raise Stopped("signal", 128 + number)

    # starting

    def _start(self) -> None:
        for source in list(self.pending):
            if len(self.running) >= MAX_RUNNING:
                return
            refusal = self.order.refusal(source)
            if refusal:
                self.pending.remove(source)
                self._keep(source, {"status": "skipped", "detail": refusal})
                continue
            if not self.order.is_ready(source, self):
                continue
            if self.sudo.must_wait(source, self.running.values()):
                continue
            try:
                self._launch(source)
            except OSError as error:
                if self.running:  # once one of them has ended there is room again
                    return
                detail = f"could not be started: {error.strerror}"
                self._keep(source, {"status": "tool-failed", "detail": detail})
            self.pending.remove(source)
            self.order.begun(source, self)

    def _launch(self, source: Source, previous: Job | None = None) -> None:
        options = self.sudo.options(source)
        if source.reader:
            known = previous.read_cards() if previous else frozenset()
            hung = frozenset(previous.hung) if previous else frozenset()
            child = spawn(collector(reader(source, self.tree, known, hung)))
        else:
            work = command(source, self.tools, options)
            child = spawn(work, self.sudo.password if options else b"")
        job = Job(source, child, time.monotonic(), options)
        if previous:
            job.started, job.given, job.hung = previous.started, previous.given, previous.hung
        self.running[child.pid] = job
        for name, descriptor in child.pipes.items():
            self.watch_stream(descriptor, partial(self._on_output, job, name))

    # output and ends

    def _on_output(self, job: Job, name: str, descriptor: int) -> None:
        if job.child.pipes.get(name) != descriptor:  # closed in this same turn
            return
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._close(job, name)
        elif not job.feed(name, data, time.monotonic()):
            self._finish(job)

    def _close(self, job: Job, name: str) -> None:
        descriptor = job.child.pipes.pop(name)
        self.selector.unregister(descriptor)
        os.close(descriptor)

    def _reap(self) -> None:
        for pid in [pid for pid in self.killed if _has_ended(pid)]:
            os.waitpid(pid, 0)
            self.killed.discard(pid)
        for pid, job in list(self.running.items()):
            if _has_ended(pid):
                self._kill(job)  # what it left behind; its number is still taken, so it is safe
                _, status = os.waitpid(pid, 0)
                job.code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else status >> 8
                self._drain(job)

    def _drain(self, job: Job) -> None:
        """What the pipes still hold; a grandchild that keeps one open is not waited for."""
        before = -1
        while before != job.received:
            before = job.received
            for name, descriptor in list(job.child.pipes.items()):
                self._on_output(job, name, descriptor)
        if job.child.pid in self.running:  # else its limit was full
            self._finish(job)

    def _next_limit(self) -> float:
        return min([self.deadline] + [job.limit() for job in self.running.values()])

    def _expire(self) -> None:
        now = time.monotonic()
        if now >= self.deadline:
            self._give_up()
        for job in list(self.running.values()):
            if now >= job.limit():
                self._time_out(job, now)

    def _give_up(self) -> None:
        """The whole run's deadline."""
        self.gave_up = True
        for job in list(self.running.values()):
            self._finish(job, f"{job.at or 'running'} at the deadline of the run")
        for source in self.pending:
            entry = {"status": "timed-out", "detail": "not started before the deadline of the run"}
            self._keep(source, entry)
        self.pending.clear()

    def _time_out(self, job: Job, now: float) -> None:
        card = job.stuck_card() if job.source.stall_s else None
        if card is None or now >= job.started + job.source.timeout_s:
            self._finish(job, job.at or f"no end within {job.source.timeout_s:g} s")
            return
        # One card hangs: the others are read by a new child.
        job.hung[card] = job.at
        self._forget(job)
        try:
            self._launch(job.source, job)
        except OSError:  # no room for another child: what the first one gave is all there is
            self._keep(job.source, job.result(now, ""))

    def _finish(self, job: Job, stopped: str = "") -> None:
        self._forget(job)
        if self.sudo.refused(job):
            self.pending.insert(0, job.source)
            return
        result = job.result(time.monotonic(), stopped)
        if job.source.privileged and not job.outputs["report"]:
            result["privileged"] = self.sudo.is_root or bool(job.sudo)
        self._keep(job.source, result)

    def _forget(self, job: Job) -> None:
        del self.running[job.child.pid]
        for name in list(job.child.pipes):
            self._close(job, name)
        if job.code is None:
            self._kill(job)
            self.killed.add(job.child.pid)

    def _kill(self, job: Job) -> None:
        """The child and whatever it started. Never waits for its end."""
        pid = job.child.pid
        if not job.sudo:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:  # it was forked this moment, and has no group yet
                os.kill(pid, signal.SIGKILL)
        elif not _has_ended(pid):
            self._kill_through_sudo(pid)

    def _kill_through_sudo(self, pid: int) -> None:
        """sudo passes SIGTERM on to its tool, which only root may kill; SIGKILL would orphan it."""
        os.kill(pid, signal.SIGTERM)
        try:
            killer = spawn(self.sudo.kill(pid), self.sudo.password)
        except OSError:  # no room for another process; what heeds SIGTERM has ended
            return
        select.select([killer.pipes["report"]], [], [], EXEC_S)  # it must outlive the probe
        for descriptor in killer.pipes.values():
            os.close(descriptor)
        self.killed.add(killer.pid)

    def _keep(self, source: Source, result: dict[str, Any]) -> None:
        self.results[source.name] = result
        self.order.ended(source, result, self)


def _has_ended(pid: int) -> bool:
    """Without taking its status: until then no other process can have its number."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
