"""What ansible-runner reports while a play runs, typed: one event, and what is read out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from preflight.capture import plain

Kind = Literal["task", "ok", "changed", "failed", "unreachable", "stats"]
_RESULTS: Mapping[str, Kind] = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
}
_TASKS = ("playbook_on_task_start", "playbook_on_handler_task_start")
_SAYS_LITTLE = ("non-zero return code", "MODULE FAILURE", "One or more items failed")
_LINES, _COLUMNS = 30, 500  # of a message: a stack trace of a host can have any length


@dataclass(frozen=True)
class Event:
    kind: Kind
    task: str = ""  # "role : task"
    host: str = ""
    message: str = ""  # of a failure
    told: Mapping[str, Any] | None = None  # what set_stats told of this host
    stats: Mapping[str, Any] | None = None  # of the whole play, by counter and host


def read(raw: Mapping[str, Any]) -> Event | None:
    """The event, None for one that says nothing to a person."""
    name, data = raw.get("event"), raw.get("event_data") or {}
    if name in _TASKS:
        return Event("task", _task(data))
    if name == "playbook_on_stats":
        return Event("stats", stats=data)
    kind = _RESULTS.get(str(name))
    if kind is None or data.get("ignore_errors"):
        return None
    result = data.get("res") or {}
    if kind == "ok":
        return Event(
            "changed" if result.get("changed") else "ok",
            _task(data),
            str(data.get("host", "")),
            told=(result.get("ansible_stats") or {}).get("data"),
        )
    return Event(kind, _task(data), str(data.get("host", "")), message(result))


def message(result: Mapping[str, Any]) -> str:
    """A failed task's own words: its message, and its output where the message says little."""
    if "censored" in result:
        return "its output is withheld, since it may hold a secret"
    items = [item for item in result.get("results") or [] if _has_failed(item)]
    if items:
        return message(items[0])
    said = result.get("msg", "")
    text = "\n".join(map(str, said)) if isinstance(said, list) else str(said)
    if not text or any(phrase in text for phrase in _SAYS_LITTLE):
        output = (result.get(name) for name in ("stderr", "module_stderr", "stdout"))
        text = "\n".join(filter(None, [text, next((str(o) for o in output if o), "")]))
    return _bounded(text) or "it gave no reason"


def _has_failed(item: object) -> bool:
    return isinstance(item, dict) and bool(item.get("failed"))


def _bounded(text: str) -> str:
    """The last lines: what went wrong stands at the end of an output."""
    lines = [plain(line)[:_COLUMNS].rstrip() for line in text.strip()[-(1 << 16) :].splitlines()]
    return "\n".join(lines[-_LINES:])


def _task(data: Mapping[str, Any]) -> str:
    role, task = (plain(str(data.get(key) or "")) for key in ("role", "task"))
    return task if not role or task.startswith(f"{role} : ") else f"{role} : {task}"
