"""The sentences that say what a verdict is worth and what to do next."""

from __future__ import annotations

from collections.abc import Iterable

from preflight.causes import causes, heaviest, key, weightiest_first
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

# How the reason of an unknown begins -> how it gets known; the first that fits counts.
HINTS = {
    "tool absent: ipmitool": "install ipmitool, where the board has a BMC",
    "tool absent: libnvidia-ml": "install NVIDIA's driver",
    "tool absent: nvidia-smi": "install NVIDIA's driver",
    "tool absent: chronyc": "install chrony, or enable systemd-timesyncd",
    "tool absent": "install that tool on the host",
    "tool failed": "known once that works",
    "timed out": "known once that answers",
    "gpu lost": "known once the card is back",
    "not permitted": "log in as root or allow sudo (-K asks for its password)",
    "guest view": "only the lender can read it, outside the guest: ask for it",
    "not present: no rating of the supply": "read it off the supply and ask preflight power",
    "the kernel's error counters": "needs Linux 4.19 and AER switched on in the BIOS",
    "gen ": "--level measure reads it while it copies",
    "not parsed": "keep the evidence (--save-capture) for a newer preflight",
}
# Reasons in words that the evidence did not find.
PLAIN = {"not supported: NOT_SUPPORTED": "the card does not tell it"}
# By the heaviest remedy: what it takes, and whose it is.
EFFORT: dict[RemedyClass, str] = {
    "service": "Somebody must go to the machine, at its owner's cost",
    "replace": "A part must be replaced, at the seller's or lender's cost",
}
_NO_PART = "No new part is needed, and whoever runs the host can do it"

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
        return _rejected(_roots_first(report))
    if report.verdict is Verdict.UNKNOWN:
        return _undecided(report)
    return _accepted(report)


def next_step(report: Report) -> str:
    """What a person does now, in one sentence or two."""
    if report.verdict is Verdict.REJECT:
        return _mending(_roots_first(report)[0])
    if report.verdict is Verdict.UNKNOWN:
        return "; ".join(_advice(report)) + "."
    return _remaining(report)


def counting(report: Report, status: Status) -> list[Finding]:
    """Findings of one status that count: waived ones do not."""
    return [f for f in report.findings if f.status is status and f.waived is None]


def hint(why: str) -> str | None:
    """How what is unknown for this reason gets known; None where nothing is known to help."""
    return next((told for begin, told in HINTS.items() if why.startswith(begin)), None)


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


def _roots_first(report: Report) -> tuple[list[Finding], list[Finding]]:
    """The failures that are causes, and those that follow from one of them."""
    failures = counting(report, Status.FAIL)
    caused = causes(failures)
    ordered = weightiest_first(failures, caused)
    return [f for f in ordered if key(f) not in caused], [f for f in ordered if key(f) in caused]


def _rejected(failures: tuple[list[Finding], list[Finding]]) -> str:
    roots, signs = failures
    ids = _some(distinct(f.id for f in roots))
    what = f"{many(len(roots), 'failure')} ({ids})"
    if signs:
        what += f" and {len(signs)} that follow{'s' if len(signs) == 1 else ''} from it"
        what = what if len(roots) == 1 else what.removesuffix("it") + "them"
    worst = heaviest(roots)
    return f"reject: {what}, worst remedy: {worst}" if worst else f"reject: {what}"


def _mending(failures: list[Finding]) -> str:
    worst = heaviest(failures)
    first = _some(distinct(f.id for f in failures if f.remedy_class == worst))
    how = f" ({worst})" if worst else ""
    effort = EFFORT.get(worst, _NO_PART) if worst else _NO_PART
    return (
        f"begin with {first}{how} as its arrow says, and check again. {effort}; "
        "a renter does not take the host before that."
    )


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
