"""Golden machines: evidence in, and every finding, fact and line of the report as reviewed.

tests/hosts/NAME/ holds capture.json, facts.json, findings.json and report.txt, which `--rewrite`
writes anew, and expected.yaml, which no program writes: what a good technician says of it. `as`
names a machine that it is like: its findings hold here too, unless a later entry says otherwise.
A subject may be a pattern ("gpu?").
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from preflight import demo
from preflight.capture import Capture, ControllerView, encode, load
from preflight.demo import machine
from preflight.findings import Level, Report
from preflight.judging import judge_capture
from preflight.policy import load as load_policy
from preflight.render import terminal
from preflight.render.json_report import document
from tests.demo.built import probe

HOSTS = Path(__file__).parent / "hosts"
SIMULATED = sorted(machine.names())
# The same machines with what their cards measured.
MEASURED = sorted(
    f"{name}-measured" for name in SIMULATED if machine.load(name).capture.measurements
)
NAMES = sorted(
    {*SIMULATED, *MEASURED, *(capture.parent.name for capture in HOSTS.glob("*/capture.json"))}
)
STAMP = "2026-11-16T13:58:27.000Z"
QUIET = ("pass", "not-applicable")


def settled(capture: Capture) -> Capture:
    """The same evidence without what differs from run to run: clocks, durations, versions."""
    sources = {
        name: msgspec.structs.replace(source, duration_s=0.1)
        for name, source in capture.sources.items()
    }
    run = msgspec.structs.replace(capture.probe, version="0", python="3.12", duration_s=1.0)
    view = ControllerView(host=capture.controller.host, started=STAMP, finished=STAMP)
    return msgspec.structs.replace(
        capture, sources=sources, probe=run, started=STAMP, finished=STAMP, controller=view
    )


def expected(name: str) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((HOSTS / name / "expected.yaml").read_text("utf-8"))
    if like := told.get("as"):
        told["findings"] = [*expected(like)["findings"], *told["findings"]]
    return told


def wanted(told: dict[str, Any], id: str, subject: str) -> tuple[str, ...]:
    """The statuses that are right for one finding; the last entry that names it counts."""
    for entry in reversed(told["findings"]):
        if entry["id"] == id and fnmatchcase(subject, entry["subject"]):
            return tuple(entry["status"].split("|"))
    return QUIET


def judged(name: str) -> Report:
    capture, data = load(HOSTS / name / "capture.json")
    told = expected(name).get("policy") or demo.policy_name(name.removesuffix("-measured"))
    return judge_capture(capture, data, load_policy(told))


def hold(path: Path, text: str, rewrite: bool) -> None:
    """The file says `text`, or is made to."""
    if rewrite:
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text, f"{path.name}: review, then pytest --rewrite"


def as_text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", SIMULATED)
def test_the_probe_finds_the_capture(name: str, rewrite: bool) -> None:
    recorded = machine.load(name).capture
    found = settled(demo.observe(name, recorded, Level.LOOK, lambda *_: None, probe()))
    hold(HOSTS / name / "capture.json", encode(found).decode(), rewrite)


@pytest.mark.parametrize("name", MEASURED)
def test_what_was_measured_is_in_the_capture(name: str, rewrite: bool) -> None:
    recorded = machine.load(name.removesuffix("-measured")).capture
    found = settled(demo.observe(name, recorded, Level.MEASURE, lambda *_: None, probe()))
    hold(HOSTS / name / "capture.json", encode(found).decode(), rewrite)


@pytest.mark.parametrize("name", NAMES)
def test_facts_and_findings_are_as_reviewed(name: str, rewrite: bool) -> None:
    told = json.loads(json.dumps(document(judged(name)), default=str))
    hold(HOSTS / name / "facts.json", as_text(told["facts"]), rewrite)
    findings = {"verdict": told["verdict"], "findings": told["findings"]}
    hold(HOSTS / name / "findings.json", as_text(findings), rewrite)


@pytest.mark.parametrize("name", NAMES)
def test_report_is_as_reviewed(name: str, rewrite: bool) -> None:
    text = terminal.render(judged(name), width=80, color=False, unicode=True)
    hold(HOSTS / name / "report.txt", text, rewrite)


@pytest.mark.parametrize("name", NAMES)
def test_findings_are_those_of_a_good_technician(name: str) -> None:
    told, report = expected(name), judged(name)
    got = {(f.id, f.subject): str(f.status) for f in report.findings}
    idle = [
        entry
        for entry in told["findings"]
        if not any(entry["id"] == id and fnmatchcase(on, entry["subject"]) for id, on in got)
    ]
    assert not idle, "a finding is named that no check makes"
    wrong = {key: status for key, status in got.items() if status not in wanted(told, *key)}
    assert not wrong
    assert report.verdict == told["verdict"]


def test_the_demo_opens_with_an_accepted_machine() -> None:
    assert next(iter(demo.machines())) == demo.DEFAULT
    assert expected(demo.DEFAULT)["verdict"] == "accept"
