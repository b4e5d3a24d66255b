"""The sentences that say what a verdict is worth and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from preflight.findings import Finding, Level, RemedyClass, Report, Status, Verdict

WORTH = {
    Level.LOOK: "read only, nothing measured",
    Level.MEASURE: "measured briefly, not under sustained load",
    Level.SOAK: "measured, and held under sustained load",
}
NOT_PROVEN = {
    Level.LOOK: "bandwidth, memory, compute, power and heat under load",
    Level.MEASURE: "memory patterns, power and heat under sustained load",
}
REMEDIES: tuple[RemedyClass, ...] = get_args(RemedyClass)  # from the lightest to the heaviest
# How the reason of an unknown begins (facts.Missing as text) -> what gets the answer.
ADVICE = {
    "not permitted": "log in as root or allow sudo (-K asks for its password)",
    "tool absent": "install or load what is absent (the NVIDIA driver comes first)",
    "not present": "load the NVIDIA driver",
    "tool failed": "see the tool's own error; reboot the host if it stays",
    "timed out": "check again; reboot the host if it hangs again",
    "not supported": "if this is a guest or a container, judge it with --policy tenant",
    "guest view": "judge the machine from outside the guest, or with --policy tenant",
    "not parsed": "keep the evidence (--save-capture) and judge it with a newer preflight",
    "not collected": "take the evidence anew: this capture does not hold what is required",
    "gpu lost": "power-cycle the host",
}

_ON_THE_HOST = (
    "run preflight on the host itself (preflight root@HOST, or preflight probe where there is "
    "no way in)"
)


def host_name(report: Report) -> str:
    """The host as asked for; a simulated one never without that word."""
    if not report.simulated:
        return report.host
    name = f"simulated host {report.simulated}"
    return name if report.host in ("", report.simulated) else f"{report.host} ({name})"


def verdict_words(report: Report) -> str:
    """The verdict and what it is worth: "accept: nothing against it, read only …"."""
    if report.verdict is Verdict.REJECT:
        return _rejected(counting(report, Status.FAIL))
    if report.verdict is Verdict.UNKNOWN:
        return _undecided(report)
    return _accepted(report)


def next_step(report: Report) -> str:
    """What a person does now, in one sentence or two."""
    if report.verdict is Verdict.REJECT:
        return _mending(counting(report, Status.FAIL))
    if report.verdict is Verdict.UNKNOWN:
        return "; ".join(_advice(report)) + "."
    return _remaining(report)


def counting(report: Report, status: Status) -> list[Finding]:
    """Findings of one status that count: waived ones do not."""
    return [f for f in report.findings if f.status is status and f.waived is None]


def reason(finding: Finding) -> str:
    """Why it is unknown, in the words that the evidence gave."""
    return finding.reason or finding.message or "no reason was given"


def many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def distinct(words: Iterable[str]) -> list[str]:
    """Each once, in the order of first appearance."""
    return list(dict.fromkeys(words))


def _accepted(report: Report) -> str:
    warnings = len(counting(report, Status.WARN))
    unknown = len(distinct(f.id for f in counting(report, Status.UNKNOWN)))
    waived = sum(1 for f in report.findings if f.waived and f.status is Status.FAIL)
    against = f"{many(waived, 'failure')} waived" if waived else "nothing against it"
    besides = [many(warnings, "warning")] if warnings else []
    besides += [f"{many(unknown, 'check')} unknown"] if unknown else []
    worth = "not measured" if report.imported else WORTH[report.level]
    words = f"accept: {against}, {worth}"
    return f"{words} ({', '.join(besides)})" if besides else words


def _rejected(failures: list[Finding]) -> str:
    ids = _some(distinct(f.id for f in failures))
    worst = _heaviest(failures)
    remedy = f", worst remedy: {worst}" if worst else ""
    return f"reject: {many(len(failures), 'failure')} ({ids}){remedy}"


def _mending(failures: list[Finding]) -> str:
    worst = _heaviest(failures)
    first = _some(distinct(f.id for f in failures if f.remedy_class == worst))
    how = f" ({worst})" if worst else ""
    return f"begin with {first}{how} as its arrow says and check again; a renter does not take it."


def _heaviest(failures: list[Finding]) -> RemedyClass | None:
    classes = [f.remedy_class for f in failures if f.remedy_class]
    return max(classes, key=REMEDIES.index, default=None)


def _undecided(report: Report) -> str:
    lacking = report.judgement.missing_required
    if not lacking and report.judgement.is_cut:
        what = "the file ends early" if report.imported else "the run ended early"
        return f"unknown: {what}, and nothing is accepted for what it still holds"
    reasons = _some(distinct(_short(reason(f)) for f in _lacking(report)), 2, "; ")
    because = f" ({reasons})" if reasons else ""
    are = "required check is" if len(lacking) == 1 else "required checks are"
    return f"unknown: {len(lacking)} {are} unknown: {_some(lacking, 6)}{because}"


def _short(words: str) -> str:
    """A reason without the tool's longer words: "not permitted: dmesg"."""
    return ":".join(words.split(":")[:2])


def _lacking(report: Report) -> list[Finding]:
    required = set(report.judgement.missing_required)
    return [f for f in counting(report, Status.UNKNOWN) if f.id in required]


def _advice(report: Report) -> list[str]:
    findings = _lacking(report)
    reasons = [reason(f) for f in findings]
    answered = {f.id for f in findings}
    if report.imported:
        return [_ON_THE_HOST]
    if report.judgement.is_cut and not report.judgement.missing_required:
        return ["run it again to its end"]
    if not answered.issuperset(report.judgement.missing_required):
        reasons.append("not collected")
    found = [advice for r in reasons for begin, advice in ADVICE.items() if r.startswith(begin)]
    return distinct(found) or ["see the reasons above; -v shows every finding"]


def _remaining(report: Report) -> str:
    if report.imported:
        return f"not proven: {NOT_PROVEN[report.level]}; {_ON_THE_HOST}."
    if report.level not in NOT_PROVEN:
        return "keep this report: a later one is compared with it."
    deeper = next(iter(report.not_run), None)
    how = f"; --level {deeper} measures it" if deeper else ""
    return f"not proven: {NOT_PROVEN[report.level]}{how}."


def _some(words: Iterable[str], limit: int = 3, separator: str = ", ") -> str:
    listed = list(words)
    more = [f"{len(listed) - limit} more"] if len(listed) > limit else []
    return separator.join(listed[:limit] + more)
