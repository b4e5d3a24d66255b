"""The use case: from hosts, saved evidence or a simulated machine to judged reports.

Judging is imported while the hosts are being read: it takes as long as connecting does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.capture import Capture, encode
from preflight.errors import PreflightError
from preflight.findings import Level, Report, Status, Verdict
from preflight.purpose import NOTHING_ASKED, Purpose
from preflight.transport import Progress, Request, fetch_all

if TYPE_CHECKING:
    from preflight.policy import Policy

EXIT_STATUS = {Verdict.ACCEPT: 0, Verdict.REJECT: 1, Verdict.UNKNOWN: 3}
DEFAULT_POLICY = "default"
IMPORTED_POLICY = "imported"  # holds where nothing else is said and another tool took the evidence
# What a report needs besides its capture.
LATER = ("preflight.judging", "preflight.render.terminal", "preflight.render.json_report")


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
    policy: str,
    progress: Progress,
    purpose: Purpose = NOTHING_ASKED,
) -> list[Judged]:
    """Connect to all hosts side by side and judge each, in the order given.

    `policy` is a name or a file; what is wrong with it is told before any host is touched.
    """
    if policy != DEFAULT_POLICY:
        _policy(policy)
    results = fetch_all(hosts, request, progress, meanwhile=partial(_get_ready, policy))
    rules = _policy(policy)
    return [
        Judged(host, error=result)
        if isinstance(result, PreflightError)
        else _judged(host, result, rules, purpose)
        for host, result in zip(hosts, results, strict=True)
    ]


def judge_saved(path: Path, policy: str, purpose: Purpose = NOTHING_ASKED) -> Judged:
    """Judge a saved capture again, with the same findings, or a file that another tool wrote."""
    from preflight.importing import load_evidence
    from preflight.judging import judge_capture

    rules = _policy(policy)
    capture, data = load_evidence(path)
    if capture.imported and policy == DEFAULT_POLICY:
        rules = _policy(IMPORTED_POLICY)
    report = judge_capture(capture, data, rules, purpose)
    return Judged(report.host, report, data)


def judge_demo(
    machine: str | None,
    level: Level,
    policy: str,
    progress: Progress,
    purpose: Purpose = NOTHING_ASKED,
) -> Judged:
    """Judge a simulated machine, by default with the policy that it is made for."""
    from preflight import demo

    name = machine or demo.DEFAULT
    rules = _policy(demo.policy_name(name) if policy == DEFAULT_POLICY else policy)
    return _judged(name, demo.fetch(name, level, progress), rules, purpose)


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
    from preflight.judging import judge_capture

    data = encode(capture)
    return Judged(host, judge_capture(capture, data, policy, purpose), data)


@cache
def _policy(name: str) -> Policy:
    """Read once a run: before the hosts, while they answer, and when they are judged."""
    from preflight.policy import load as load_policy

    return load_policy(name)


def _get_ready(policy: str) -> None:
    for module in LATER:
        import_module(module)
    _policy(policy)
