"""The use case: from hosts, saved evidence or a simulated machine to judged reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from preflight import engine
from preflight.capture import Capture, encode, load, plain, sha256
from preflight.catalog.vllm_versions import proven, release
from preflight.checks import Check, registry
from preflight.errors import PreflightError
from preflight.facts import VllmPin
from preflight.findings import Level, Report, Status, Verdict
from preflight.policy import Policy
from preflight.policy import load as load_policy
from preflight.purpose import NOTHING_ASKED, Purpose
from preflight.transport import Progress, Request, fetch_all
from preflight.understand import understand
from preflight.understand.asked import asked

# Who asks for a layout must be told whether the cards and their driver carry it.
REQUIRED_FOR_A_LAYOUT = ("layout-possible", "driver-version")
EXIT_STATUS = {Verdict.ACCEPT: 0, Verdict.REJECT: 1, Verdict.UNKNOWN: 3}


@dataclass(frozen=True)
class Judged:
    """One host of a run: a report with its capture's bytes, or why there is none."""

    host: str
    report: Report | None = None
    capture: bytes | None = None
    error: PreflightError | None = None


def judge_hosts(
    hosts: Sequence[str],
    request: Request,
    policy: Policy,
    progress: Progress,
    purpose: Purpose = NOTHING_ASKED,
) -> list[Judged]:
    """Connect to all hosts side by side and judge each, in the order given."""
    judged = []
    for host, result in zip(hosts, fetch_all(hosts, request, progress), strict=True):
        if isinstance(result, PreflightError):
            judged.append(Judged(host, error=result))
        else:
            judged.append(_judged(host, result, policy, purpose))
    return judged


def judge_saved(path: Path, policy: Policy, purpose: Purpose = NOTHING_ASKED) -> Judged:
    """Judge a saved capture again; the same findings as when it was taken."""
    capture, data = load(path)
    report = judge_capture(capture, data, policy, purpose)
    return Judged(report.host, report, data)


def judge_demo(
    machine: str | None,
    level: Level,
    policy: Policy | None,
    progress: Progress,
    purpose: Purpose = NOTHING_ASKED,
) -> Judged:
    """Judge a simulated machine, by default with the policy that it is made for."""
    from preflight import demo

    name = machine or demo.DEFAULT
    capture = demo.fetch(name, level, progress)
    return _judged(name, capture, policy or load_policy(demo.policy_name(name)), purpose)


def exit_status(judged: Sequence[Judged], strict: bool) -> int:
    """The highest status of all hosts (design: exit statuses)."""
    return max(_exit_status(one, strict) for one in judged)


def _exit_status(one: Judged, strict: bool) -> int:
    if one.report is None:
        assert one.error is not None
        return one.error.exit_status
    warned = any(f.status is Status.WARN and f.waived is None for f in one.report.findings)
    if strict and warned and one.report.verdict is Verdict.ACCEPT:
        return 1
    return EXIT_STATUS[one.report.verdict]


def _judged(host: str, capture: Capture, policy: Policy, purpose: Purpose) -> Judged:
    data = encode(capture)
    return Judged(host, judge_capture(capture, data, policy, purpose), data)


def judge_capture(
    capture: Capture,
    data: bytes,
    policy: Policy,
    purpose: Purpose = NOTHING_ASKED,
    checks: Iterable[Check] | None = None,
) -> Report:
    """Judge a capture at its own level; `data` are its bytes as saved (for `capture_sha256`)."""
    checks = registry() if checks is None else tuple(checks)
    purpose = _allowed(purpose, capture)
    if purpose.layout:
        policy = policy.requiring(*REQUIRED_FOR_A_LAYOUT)
    level = Level(capture.level)
    policy = policy.at(capture.started)
    facts = asked(understand(capture), purpose, _pin())
    findings = engine.judge(facts, policy, level, checks)
    seen = capture.controller
    return Report(
        host=plain(seen.host or capture.simulated or _own_name(capture)),
        started=plain(seen.started or capture.started),
        finished=plain(seen.finished or capture.finished),
        level=level,
        policy=policy.name,
        simulated=capture.simulated,
        judgement=engine.verdict(findings, policy, level),
        findings=findings,
        not_run=engine.not_run(level, checks),
        facts=facts,
        capture_sha256=sha256(data),
        notes=(*_notes(capture), *_notes_on(purpose)),
    )


def _own_name(capture: Capture) -> str:
    """What a host calls itself, for evidence that no controller fetched."""
    proc = capture.sources.get("proc")
    return (proc and proc.files.get("/proc/sys/kernel/hostname")) or "capture"


def _notes(capture: Capture) -> tuple[str, ...]:
    """What a reader must know of how the evidence was taken."""
    run = capture.probe
    notes = []
    if not capture.complete or run.stopped:
        notes.append(f"the probe ended early: {plain(run.stopped) or 'incomplete'}")
    if run.uid and not run.sudo:
        notes.append(f"read as {plain(run.user) or 'an ordinary user'}, without root")
    return tuple(notes)


def _allowed(purpose: Purpose, capture: Capture) -> Purpose:
    """Nobody else's evidence is spared: what another tool wrote was not read by the probe."""
    return purpose if capture.probe.version else replace(purpose, own_units=())


def _pin() -> VllmPin:
    """The vLLM that the roles install by default."""
    version = proven()
    needs = release(version)
    assert needs is not None, "vllm_versions.yaml holds no row for its own default"
    return VllmPin(version, needs.driver)


def _notes_on(purpose: Purpose) -> tuple[str, ...]:
    """What was asked, and which part of it is not judged."""
    notes = []
    if purpose.layout:
        notes.append(f"for {purpose.layout.name}")
    if purpose.model:
        notes.append(f"whether {plain(purpose.model)} fits is not judged: no planning yet")
    if purpose.own_units:
        notes.append(f"without what {', '.join(purpose.own_units)} serves")
    return tuple(notes)
