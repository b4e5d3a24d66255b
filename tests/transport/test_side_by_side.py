"""Many hosts at once, each with whatever comes of it."""

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from preflight.capture import Capture, ProbeRun
from preflight.errors import PreflightError, Unreachable, UsageError
from preflight.transport import Request, Step, fetch_all
from preflight.transport.side_by_side import AT_ONCE, side_by_side
from preflight.transport.target import Target, parse
from tests.transport.fake_probe import ANSWERS
from tests.transport.told import Told

Tell = Callable[[Step], None]
Opened = Callable[[Callable[[], None]], None]


def capture_of(host: str) -> Capture:
    return Capture("s", "look", host, "", ProbeRun(), {})


def targets(count: int) -> list[Target]:
    return [parse(f"gpu{number:03d}") for number in range(count)]


def test_results_stand_in_the_order_given_whoever_is_first() -> None:
    last_is_done = threading.Event()

    def fetch(target: Target, request: Request, tell: Tell, opened: Opened) -> Capture:
        if target.host == "gpu002":
            last_is_done.set()
        assert last_is_done.wait(60)
        if target.host == "gpu001":
            raise Unreachable("gpu001: no")
        return capture_of(target.host)

    told = Told()
    found = side_by_side(targets(3), Request(), told, fetch)
    assert isinstance(found[0], Capture)
    assert found[0].started == "gpu000"
    assert isinstance(found[1], Unreachable)
    assert isinstance(found[2], Capture)
    assert sorted(told.ended) == [("gpu000", "read"), ("gpu001", "failed"), ("gpu002", "read")]


def test_so_many_run_at_once_and_no_more() -> None:
    running, most = 0, 0
    lock, full = threading.Lock(), threading.Barrier(AT_ONCE)

    def fetch(target: Target, request: Request, tell: Tell, opened: Opened) -> Capture:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        full.wait(60)  # nobody goes on before so many are here
        with lock:
            running -= 1
        return capture_of(target.host)

    found = side_by_side(targets(AT_ONCE * 2), Request(), Told(), fetch)
    assert [f.started for f in found if isinstance(f, Capture)] == [
        t.host for t in targets(AT_ONCE * 2)
    ]
    assert most == AT_ONCE


def test_steps_and_questions_come_to_the_calling_thread_alone() -> None:
    seen: list[int] = []

    class Watching(Told):
        def __call__(self, host: str, step: Step, /) -> None:
            seen.append(threading.get_ident())

    def ask(question: str) -> str:
        seen.append(threading.get_ident())
        return question.upper()

    def fetch(target: Target, request: Request, tell: Tell, opened: Opened) -> Capture:
        assert threading.get_ident() != caller
        assert request.ask
        tell(Step("a", 1, 1))
        return capture_of(request.ask(target.host))

    caller = threading.get_ident()
    found = side_by_side(targets(8), Request(ask=ask), Watching(), fetch)
    assert {f.started for f in found if isinstance(f, Capture)} == {
        t.host.upper() for t in targets(8)
    }
    assert len(seen) == 16
    assert set(seen) == {caller}


def test_an_interruption_closes_what_is_open_and_what_opens_after_it() -> None:
    closed: list[str] = []
    all_open, interrupted = threading.Barrier(2), threading.Event()
    late_is_closed = threading.Event()

    def fetch(target: Target, request: Request, tell: Tell, opened: Opened) -> Capture:
        if target.host == "gpu000":
            opened(lambda: closed.append("open"))
            all_open.wait(60)
            tell(Step("a", 1, 1))
            interrupted.wait(60)
        else:
            all_open.wait(60)
            interrupted.wait(60)
            opened(lambda: (closed.append("late"), late_is_closed.set()))  # type: ignore[arg-type, return-value]
        return capture_of(target.host)

    class Interrupting(Told):
        def __call__(self, host: str, step: Step, /) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side(targets(2), Request(), Interrupting(), fetch)
    assert closed == ["open"]
    interrupted.set()
    assert late_is_closed.wait(60)


def test_a_defect_is_no_hosts_trouble() -> None:
    def fetch(target: Target, request: Request, tell: Tell, opened: Opened) -> Capture:
        if target.host == "gpu001":
            raise ZeroDivisionError
        return capture_of(target.host)

    with pytest.raises(ZeroDivisionError):
        side_by_side(targets(3), Request(), Told(), fetch)


def test_nonsense_among_the_hosts_is_refused_before_any_is_reached() -> None:
    told = Told()
    with pytest.raises(UsageError):
        fetch_all(["localhost", "-oProxyCommand=id"], Request(), told, ANSWERS)
    assert told.steps == []


def test_no_hosts_give_no_results() -> None:
    assert fetch_all([], Request(), Told(), ANSWERS) == []


def test_ssh_is_imported_only_where_a_host_is_reached_by_it() -> None:
    code = (
        "import sys, preflight.transport as t\n"
        "from tests.transport.fake_probe import ANSWERS\n"
        "from tests.transport.told import Told\n"
        "t.fetch_all(['localhost'], t.Request(), Told(), ANSWERS)\n"
        "print({'paramiko', 'fabric', 'cryptography'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_an_installation_without_a_probe_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    import preflight.transport as transport

    monkeypatch.setattr(transport, "files", lambda package: Path("/nowhere"))
    with pytest.raises(PreflightError) as raised:
        transport.probe_bytes()
    assert "holds no probe" in str(raised.value)
    assert raised.value.hint
