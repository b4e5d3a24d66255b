from __future__ import annotations

from typing import Any

import pytest

from preflight.deploy.events import Event, message, read


def result(name: str, res: dict[str, Any], **data: Any) -> dict[str, Any]:
    told = {"host": "gpu01", "role": "vllm", "task": "Install", "res": res} | data
    return {"event": name, "event_data": told}


@pytest.mark.parametrize(
    "raw, event",
    [
        ({"event": "verbose"}, None),
        ({"event": "playbook_on_start", "event_data": {}}, None),
        (
            {"event": "playbook_on_task_start", "event_data": {"task": "Install", "role": "vllm"}},
            Event("task", "vllm : Install"),
        ),
        (
            {
                "event": "playbook_on_task_start",
                "event_data": {"task": "vllm : Go", "role": "vllm"},
            },
            Event("task", "vllm : Go"),
        ),
        (
            {"event": "playbook_on_handler_task_start", "event_data": {"task": "Restart"}},
            Event("task", "Restart"),
        ),
        (result("runner_on_ok", {}), Event("ok", "vllm : Install", "gpu01")),
        (result("runner_on_ok", {"changed": True}), Event("changed", "vllm : Install", "gpu01")),
        (
            result("runner_on_ok", {"ansible_stats": {"data": {"serving_urls": ["u"]}}}),
            Event("ok", "vllm : Install", "gpu01", told={"serving_urls": ["u"]}),
        ),
        (
            result("runner_on_failed", {"msg": "no"}),
            Event("failed", "vllm : Install", "gpu01", "no"),
        ),
        (result("runner_on_failed", {"msg": "no"}, ignore_errors=True), None),
        (
            result("runner_on_unreachable", {"msg": "down"}),
            Event("unreachable", "vllm : Install", "gpu01", "down"),
        ),
        (result("runner_on_skipped", {}), None),
        (
            {"event": "playbook_on_stats", "event_data": {"ok": {"gpu01": 1}}},
            Event("stats", stats={"ok": {"gpu01": 1}}),
        ),
    ],
)
def test_events(raw: dict[str, Any], event: Event | None) -> None:
    assert read(raw) == event


@pytest.mark.parametrize(
    "res, words",
    [
        ({"msg": "one"}, "one"),
        ({"msg": ["one", "two"]}, "one\ntwo"),
        ({"msg": "non-zero return code", "stderr": "why"}, "non-zero return code\nwhy"),
        ({"msg": "non-zero return code", "stderr": "", "stdout": "so"}, "non-zero return code\nso"),
        ({"msg": "MODULE FAILURE", "module_stderr": "py"}, "MODULE FAILURE\npy"),
        ({"msg": "one", "stderr": "noise"}, "one"),
        ({"stderr": "alone"}, "alone"),
        ({}, "it gave no reason"),
        (
            {"censored": "the output has been hidden"},
            "its output is withheld, since it may hold a secret",
        ),
        ({"msg": "All", "results": [{"msg": "a"}, {"failed": True, "msg": "b"}]}, "b"),
        ({"msg": "\x1b[31mred\x1b[0m\x07"}, "red"),
        ({"msg": 17}, "17"),
    ],
)
def test_a_failures_own_words(res: dict[str, Any], words: str) -> None:
    assert message(res) == words


def test_a_long_output_keeps_its_end() -> None:
    told = message({"msg": "\n".join(f"line {n}" for n in range(100_000))})
    assert told.splitlines()[-1] == "line 99999"
    assert len(told.splitlines()) == 30
    assert len(message({"msg": "x" * 1_000_000})) == 500
