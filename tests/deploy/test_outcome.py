from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from preflight.deploy.events import Event
from preflight.deploy.outcome import Outcome
from preflight.deploy.progress import Progress
from preflight.deploy.summary import render

FOLDER = Path("/runs/1-tp2")


def stats(**counts: list[str]) -> Event:
    names = {name for hosts in counts.values() for name in hosts}
    told: dict[str, Any] = {key: dict.fromkeys(hosts, 1) for key, hosts in counts.items()}
    return Event("stats", stats=told | {"processed": dict.fromkeys(names, 1)})


def outcome(*events: Event, **more: Any) -> Outcome:
    made = Outcome("tp2", FOLDER, **more)
    for event in events:
        made.take(event)
    return made


def shown(made: Outcome) -> str:
    return render(made, width=78, color=False, unicode=True)


BROKEN = Event(
    "failed", "vllm_service : Wait", "gpu01", "vllm@main did not start\nKV cache too small"
)
AWAY = Event("unreachable", "Gathering Facts", "gpu02", "No route to host")
TOLD = Event("ok", "Tell", "gpu03", told={"serving_urls": ["https://gpu03:8443/v1"]})
MADE = Event("changed", "vllm : Install", "gpu03")
REFUSED = Event("ok", "Tell", "gpu01", told={"preflight_refused": True})


@pytest.mark.parametrize(
    "events, status",
    [
        ((MADE, TOLD, stats(ok=["gpu03"], changed=["gpu03"])), 0),
        ((BROKEN, stats(failures=["gpu01"])), 1),
        ((AWAY, stats(dark=["gpu02"])), 3),
        ((BROKEN, AWAY, MADE, stats(failures=["gpu01"], dark=["gpu02"], ok=["gpu03"])), 3),
        ((BROKEN, stats(rescued=["gpu01"], failures=[])), 0),  # a rescue dealt with it
        ((MADE,), 1),  # the run ended before its end
        ((stats(),), 1),  # no host was played
        ((REFUSED, BROKEN, stats(failures=["gpu01"])), 1),
    ],
)
def test_the_exit_status_is_the_highest(events: tuple[Event, ...], status: int) -> None:
    assert outcome(*events).exit_status == status


def test_trouble_before_any_play_is_a_failure() -> None:
    made = outcome(trouble="ERROR! no such file")
    assert made.exit_status == 1
    assert "ERROR! no such file" in shown(made)


def test_what_serves_is_told_first_of_all() -> None:
    text = shown(outcome(MADE, TOLD, stats(ok=["gpu03"], changed=["gpu03"])))
    assert text.startswith("gpu03: tp2 serves\n    https://gpu03:8443/v1\n")
    assert "1 changed: vllm : Install" in text
    assert "Next: ask it for its models: https://gpu03:8443/v1/models" in text


def test_a_failure_is_told_with_its_task_its_words_and_where_the_rest_is() -> None:
    text = shown(outcome(BROKEN, stats(failures=["gpu01"])))
    assert "gpu01: failed at vllm_service : Wait" in text
    assert "    KV cache too small\n" in text
    assert str(FOLDER / "ansible" / "stdout") in text
    assert "run the same command again" in text


def test_a_refusal_names_the_report() -> None:
    text = shown(outcome(REFUSED, BROKEN, stats(failures=["gpu01"])))
    assert "gpu01: refused by the gate, nothing was changed" in text
    assert str(FOLDER / "evidence" / "gpu01" / "report.txt") in text
    before = Event("changed", "nvidia_driver : Install", "gpu01")
    ended = stats(failures=["gpu01"], changed=["gpu01"])
    text = shown(outcome(before, REFUSED, BROKEN, ended))
    assert "gpu01: refused by the gate\n" in text


def test_the_report_lies_where_the_role_puts_it() -> None:
    """Letters that no name of a folder should hold are replaced there."""
    host = "2001:db8::1"
    refused, broken = (replace(event, host=host) for event in (REFUSED, BROKEN))
    text = shown(outcome(refused, broken, stats(failures=[host])))
    assert str(FOLDER / "evidence" / "2001_db8__1" / "report.txt") in text


def test_an_unreachable_host_and_one_that_no_play_met() -> None:
    text = shown(outcome(AWAY, MADE, stats(dark=["gpu02"])))
    assert "gpu02: unreachable" in text
    assert "Log in there by ssh once" in text
    assert "gpu03: no play ran there" in text


def test_a_check_claims_nothing_done() -> None:
    text = shown(outcome(MADE, TOLD, stats(ok=["gpu03"], changed=["gpu03"]), is_check=True))
    assert "gpu03: checked, nothing was done" in text
    assert "1 would change" in text
    assert "without --check" in text


@pytest.mark.parametrize(
    "named, counted, words",
    [
        (2, 2, "2 changed: task 0, task 1"),
        (7, 9, "9 changed: task 0, task 1, task 2, task 3, task 4, task 5, 3 more"),
        (1, 2, "2 changed: task 0, 1 more"),  # one held a secret
        (0, 1, "1 changed: 1 not to be named"),
    ],
)
def test_changes_are_counted_as_ansible_counts_them(named: int, counted: int, words: str) -> None:
    events = [Event("changed", f"task {n}", "gpu03") for n in range(named)]
    ended = Event("stats", stats={"changed": {"gpu03": counted}, "processed": {"gpu03": 1}})
    assert words in " ".join(shown(outcome(*events, ended)).split())


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_in_a_pipe_is_a_line_for_each_task_and_change() -> None:
    stream, now = StringIO(), [0.0]
    progress = Progress(stream, lambda: now[0])
    progress(Event("task", "vllm : Install"))
    now[0] = 75.0
    progress(Event("ok", "vllm : Install", "gpu01"))
    progress(MADE)
    progress.tick()
    progress(Event("task", "vllm_service : Wait"))
    progress(BROKEN)
    progress.close()
    assert stream.getvalue().splitlines() == [
        "   0 s  vllm : Install",
        "        gpu03: changed",
        "  75 s  vllm_service : Wait",
        "        gpu01: FAILED  vllm@main did not start",
    ]


def test_progress_on_a_terminal_shows_the_running_task_and_its_time() -> None:
    stream, now = Terminal(), [0.0]
    progress = Progress(stream, lambda: now[0])
    progress(Event("task", "vllm : Install"))
    now[0] = 12.0
    progress.tick()
    assert stream.getvalue().endswith("\r\x1b[K  12 s  vllm : Install  12 s")
    progress.close()
    assert stream.getvalue().endswith("\r\x1b[K")
