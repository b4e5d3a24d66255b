"""Facts and policy to findings and a verdict: runs every check on every subject it speaks of.

A check is a module in checks/: ID, SUBJECT, REMEDY_CLASS, Limits, check(limits, *, facts…), and
optionally LEVEL and idle(limits), why it judges nothing under these. Its keyword parameters are
names of fields of SUBJECT; a missing one makes the finding `unknown` here, so that no check can
forget. One that has a default only refines the judgement: it keeps the default where the fact is
missing.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

from preflight.checks import Check
from preflight.facts import Facts, FileSystem, Gpu, GpuPair, Host, Missing, NotApplicable, PeerPath
from preflight.findings import Finding, Judgement, Level, Status, Verdict
from preflight.policy import Policy

W = TypeVar("W", Missing, NotApplicable)
_NO_CARDS = NotApplicable("no NVIDIA card")
_NO_PEER = NotApplicable("one card alone has no peer")
_NO_PAIRS = Missing("not-collected", "nothing was read between the cards")
_NO_DISKS = Missing("not-collected", "no file system could be read")


@cache
def needs(check: Check) -> tuple[str, ...]:
    """The facts without which a check cannot judge: its keyword-only parameters."""
    return tuple(name for name, p in _parameters(check).items() if p.default is p.empty)


@cache
def _parameters(check: Check) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(check.check).parameters
    return {name: p for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}


def judge(facts: Facts, policy: Policy, level: Level, checks: Iterable[Check]) -> list[Finding]:
    """One finding for each check of this level and each subject, waivers applied."""
    return [
        policy.waive(finding)
        for check in checks
        if check.level.rank <= level.rank
        for finding in _run(check, facts, policy)
    ]


def not_run(level: Level, checks: Iterable[Check]) -> dict[str, tuple[str, ...]]:
    """Checks of levels above the one asked for, by level."""
    above: dict[str, tuple[str, ...]] = {}
    for check in checks:
        if check.level.rank > level.rank:
            above[check.level] = (*above.get(check.level, ()), check.id)
    return above


def verdict(findings: Sequence[Finding], policy: Policy, level: Level) -> Judgement:
    """Reject on any fail; else unknown while a required check is; else accept (design: Verdict)."""
    counting = [f for f in findings if f.waived is None]
    if any(f.status is Status.FAIL for f in counting):
        return Judgement(Verdict.REJECT)
    unknown = {f.id for f in counting if f.status is Status.UNKNOWN}
    found = {f.id for f in findings}
    lacking = tuple(id for id in policy.required(level) if id in unknown or id not in found)
    return Judgement(Verdict.UNKNOWN if lacking else Verdict.ACCEPT, lacking)


def _run(check: Check, facts: Facts, policy: Policy) -> Iterator[Finding]:
    subjects = _subjects(check.subject, facts)
    limits = policy.limits(check)
    reason = check.idle(limits)
    idle = NotApplicable(reason) if reason else None
    if isinstance(subjects, (Missing, NotApplicable)):
        yield _complete(_withheld(idle or subjects), check, facts.host)
        return
    for subject in subjects:
        values = {name: getattr(subject, name) for name in _parameters(check)}
        needed = [values[name] for name in needs(check)]
        withheld = idle or _first(needed, NotApplicable) or _first(needed, Missing)
        known = {n: v for n, v in values.items() if not isinstance(v, (Missing, NotApplicable))}
        finding = _withheld(withheld) if withheld else check.check(limits, **known)
        yield _complete(finding, check, subject)


def _subjects(kind: type, facts: Facts) -> Sequence[Any] | Missing | NotApplicable:
    if kind is Host:
        return (facts.host,)
    if kind is FileSystem:
        return facts.file_systems or _NO_DISKS
    if not isinstance(facts.gpus, tuple):
        return facts.gpus
    if not facts.gpus:
        return _NO_CARDS
    if kind is Gpu:
        return facts.gpus
    pairs: Sequence[Any] = {GpuPair: facts.pairs, PeerPath: facts.peer_paths}[kind]
    return pairs or (_NO_PEER if len(facts.gpus) == 1 else _NO_PAIRS)


def _first(values: Iterable[Any], kind: type[W]) -> W | None:
    return next((value for value in values if isinstance(value, kind)), None)


def _withheld(why: Missing | NotApplicable) -> Finding:
    status = Status.UNKNOWN if isinstance(why, Missing) else Status.NOT_APPLICABLE
    return Finding(status, reason=str(why))


def _complete(finding: Finding, check: Check, subject: Any) -> Finding:
    troubled = finding.status in (Status.WARN, Status.FAIL)
    given = [subject.sources[name] for name in _parameters(check) if name in subject.sources]
    sources = {source for names in given for source in names.split(", ")}
    return replace(
        finding,
        id=check.id,
        subject=subject.subject,
        message=_message(finding, check, subject.label),
        remedy=(finding.remedy or check.fix) if troubled else None,
        remedy_class=(finding.remedy_class or check.remedy_class) if troubled else None,
        evidence=finding.evidence or tuple(sorted(sources)),
    )


def _message(finding: Finding, check: Check, place: str) -> str:
    what = finding.message
    if not what and finding.reason:
        what = f"{check.title}: {finding.reason}"
    elif not what:
        unit = f" {finding.unit}" if finding.unit else ""
        what = f"{check.title} {_shown(finding.measured)}{unit}"
        if finding.expected is not None:
            what += f", required {_shown(finding.expected)}{unit}"
    return what if place == "host" else f"{place}: {what}"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value))
    return str(value)
