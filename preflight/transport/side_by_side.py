"""Many hosts at once: results in the order given, one host's trouble its own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from queue import Empty, SimpleQueue

from preflight.capture import Capture
from preflight.errors import PreflightError
from preflight.transport.request import Close, OpenConnections, Progress, Request, Step
from preflight.transport.target import Target

AT_ONCE = 32  # a guess: each costs the controller a key exchange and the network an upload
Fetch = Callable[[Target, Request, Callable[[Step], None], OpenConnections], Capture]
_Jobs = SimpleQueue[Callable[[], None] | None]  # None: one host is done


def side_by_side(
    targets: Sequence[Target],
    request: Request,
    progress: Progress,
    fetch: Fetch,
    meanwhile: Callable[[], None] | None = None,
) -> list[Capture | PreflightError]:
    """Fetch every host; Ctrl-C closes all connections and waits for nobody.

    Threads are daemons, for one may hang in a name server. Progress and questions to the person
    are handed to the calling thread, so that neither meets another and Ctrl-C ends a question.
    """
    jobs: _Jobs = SimpleQueue()
    opened = _Opened()
    hosts: SimpleQueue[tuple[Target, Future[Capture]]] = SimpleQueue()
    results = [Future[Capture]() for _ in targets]
    for pair in zip(targets, results, strict=True):
        hosts.put(pair)
    asking = _asking_through(jobs, request)

    def work() -> None:
        while not opened.is_closed:
            try:
                target, result = hosts.get_nowait()
            except Empty:
                return
            tell = _telling_through(jobs, progress, target.typed)
            try:
                result.set_result(fetch(target, asking, tell, opened.add))
            except BaseException as error:  # noqa: BLE001 - raised in the calling thread, below
                result.set_exception(error)
            jobs.put(partial(progress.done, target.typed, _words(result)))
            jobs.put(None)

    for _ in range(min(AT_ONCE, len(targets))):
        threading.Thread(target=work, daemon=True).start()
    try:
        if meanwhile:
            uninterrupted(meanwhile)
        _serve(jobs, len(targets))
    except BaseException:
        opened.close_all()
        raise
    return [_outcome(result) for result in results]


def uninterrupted(work: Callable[[], None]) -> None:
    """Do what Ctrl-C must not cut in two, then obey it: an import may swallow an interrupt, or
    leave its module's lock held, for which every thread that imports it then waits for ever."""
    if threading.current_thread() is not threading.main_thread():
        work()
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        work()
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


class _Opened:
    """Connections that an interruption has to close, those that come up after it too."""

    def __init__(self) -> None:
        self._closers: list[Close] = []
        self._lock = threading.Lock()
        self.is_closed = False

    def add(self, close: Close) -> None:
        with self._lock:
            self._closers.append(close)
        if self.is_closed:
            close()

    def close_all(self) -> None:
        self.is_closed = True
        with self._lock:
            closers = list(self._closers)
        for close in closers:
            close()


def _serve(jobs: _Jobs, hosts: int) -> None:
    """Do what the threads hand over until each host is done."""
    while hosts:
        job = jobs.get()
        if job is None:
            hosts -= 1
        else:
            job()


def _telling_through(jobs: _Jobs, progress: Progress, host: str) -> Callable[[Step], None]:
    return lambda step: jobs.put(lambda: progress(host, step))


def _asking_through(jobs: _Jobs, request: Request) -> Request:
    person = request.ask
    if person is None:
        return request

    def ask(question: str) -> str:
        answer: Future[str] = Future()
        jobs.put(lambda: answer.set_result(person(question)))
        return answer.result()

    return replace(request, ask=ask)


def _words(result: Future[Capture]) -> str:
    return "failed" if result.exception() else "read"


def _outcome(result: Future[Capture]) -> Capture | PreflightError:
    error = result.exception()
    if isinstance(error, PreflightError):
        return error
    return result.result()
