"""The report that a person reads: verdict, what is wrong and its remedy, what is there, what next.

Colour only adds: without it every word is the same, so that a pipe and a colour-blind reader
lose nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from preflight.causes import Key, causes, key, weightiest_first
from preflight.findings import Finding, Report, Status, Verdict
from preflight.render.inventory import card_subjects, inventory, places
from preflight.render.outcome import Outcome
from preflight.render.page import Page, Span
from preflight.render.wording import (
    PLAIN,
    counting,
    distinct,
    hint,
    host_name,
    many,
    next_step,
    reason,
    verdict_words,
)

FEW = 2  # so many failures that say the same name each card as a technician finds it
SHOWN = 8  # subjects listed of those that say the same; -v shows all
STYLE = {
    Verdict.ACCEPT: "bold green",
    Verdict.REJECT: "bold red",
    Verdict.UNKNOWN: "bold yellow",
    Status.PASS: "green",
    Status.WARN: "yellow",
    Status.FAIL: "bold red",
    Status.UNKNOWN: "yellow",
    Status.NOT_APPLICABLE: "dim",
}
MARK = {
    Status.PASS: "✓",
    Status.WARN: "!",
    Status.FAIL: "✗",
    Status.UNKNOWN: "?",
    Status.NOT_APPLICABLE: "-",
}


def render(report: Report, *, width: int, color: bool, unicode: bool, verbose: bool = False) -> str:
    """One host as text of `width` columns; `verbose` adds every finding with its evidence."""
    page = Page(width, color=color, unicode=unicode)
    _head(page, report)
    _troubles(page, report, Status.FAIL)
    page.blank()
    _troubles(page, report, Status.WARN)
    _unknown(page, report)
    _waived(page, report)
    _counts(page, report)
    if verbose:
        _every_finding(page, report)
    inventory(page, report.facts, verbose=verbose)
    page.blank()
    page.paragraph(next_step(report), mark=Span("Next:", "bold"))
    return page.finish()


def render_summary(outcomes: Sequence[Outcome], *, width: int, color: bool, unicode: bool) -> str:
    """One line a host, and the count of each verdict."""
    page = Page(width, color=color, unicode=unicode)
    names = [host_name(o.report) if o.report else o.host for o in outcomes]
    column = min(max(map(page.cells, names), default=0), width * 2 // 5)
    for name, outcome in zip(names, outcomes, strict=True):
        words, style = _one_line(outcome)
        sign = Span(page.cut(name, column), "bold")
        page.paragraph(Span(words, style), mark=sign, mark_width=column)
    page.paragraph(Span(_tally(outcomes), "dim"))
    return page.finish()


def _one_line(outcome: Outcome) -> tuple[str, str]:
    if outcome.report:
        return verdict_words(outcome.report), STYLE[outcome.report.verdict]
    why = str(outcome.error).removeprefix(f"{outcome.host}: ")
    return f"not judged: {why}", STYLE[Verdict.UNKNOWN]


def _tally(outcomes: Sequence[Outcome]) -> str:
    verdicts = [o.report.verdict if o.report else None for o in outcomes]
    said = [f"{verdicts.count(v)} {v}" for v in Verdict if v in verdicts]
    if None in verdicts:
        said.append(f"{verdicts.count(None)} not judged")
    return f"{many(len(outcomes), 'host')}: {', '.join(said)}"


def _head(page: Page, report: Report) -> None:
    word, rest = verdict_words(report).split(":", 1)
    style = STYLE[report.verdict]
    page.paragraph(Span(f"{host_name(report)}:", "bold"), Span(f"{word}:", style), rest)
    facts = [f"level {report.level}", f"policy {report.policy}", *_when(report), *report.notes]
    page.parts(facts, style="dim")


def _when(report: Report) -> Iterable[str]:
    if report.started:
        yield report.started
    if report.imported:  # another tool's file tells no duration
        return
    try:
        begun, ended = map(datetime.fromisoformat, (report.started, report.finished))
        yield f"{(ended - begun).total_seconds():.0f} s"
    except (ValueError, TypeError):  # a host's own clock may say anything; it is shown as it is
        return


def _troubles(page: Page, report: Report, status: Status) -> None:
    known = places(report.facts)
    cards = card_subjects(report.facts)
    caused = causes([*counting(report, Status.FAIL), *counting(report, Status.WARN)])
    for group in _by_remedy(weightiest_first(counting(report, status), caused), caused):
        if status is Status.FAIL:
            page.blank()
        cause = caused.get(key(group[0]))
        _heading(page, group[0], cause)
        told = [(f.message.removeprefix(f"{known.get(f.subject, '')}: "), f) for f in group]
        for message in distinct(words for words, _ in told):
            alike = [f for words, f in told if words == message]
            if status is Status.FAIL and len(alike) <= FEW:
                for finding in alike:
                    page.paragraph(finding.message, indent=4)
            else:
                page.paragraph(f"{_at(alike, cards)}{message}", indent=4)
        if group[0].remedy and not cause:
            page.paragraph(group[0].remedy, mark=Span("→", "cyan"), indent=4)


def _unknown(page: Page, report: Report) -> None:
    findings = counting(report, Status.UNKNOWN)
    if not findings:
        return
    page.blank()
    checks = many(len(distinct(f.id for f in findings)), "check")
    page.paragraph(Span(f"UNKNOWN {checks}", STYLE[Status.UNKNOWN]), mark=_mark(Status.UNKNOWN))
    everywhere = {id: sum(f.id == id for f in findings) for id in distinct(f.id for f in findings)}
    hinted: dict[str, list[str]] = {}  # a hint, or a reason without one -> reasons
    for why in distinct(map(reason, findings)):
        hinted.setdefault(hint(why) or why, []).append(why)
    for told, reasons in hinted.items():
        for why in reasons:
            alike = [f for f in findings if reason(f) == why]
            page.paragraph(Span(PLAIN.get(why, why), "bold"), indent=4)
            page.paragraph(", ".join(_ids(alike, everywhere)), indent=6)
        if told not in reasons:
            page.paragraph(Span(told, "dim"), mark=Span("→", "cyan"), indent=6)


def _ids(findings: list[Finding], everywhere: Mapping[str, int]) -> Iterable[str]:
    """Each check once, with its subjects where others of it are known."""
    for id in distinct(f.id for f in findings):
        subjects = [f.subject for f in findings if f.id == id]
        yield id if len(subjects) == everywhere[id] else f"{id} ({_listed(subjects)})"


def _waived(page: Page, report: Report) -> None:
    page.blank()
    for finding in report.findings:
        if finding.waived:
            until = f"until {finding.waived.until}: {finding.waived.reason}"
            what = f"WAIVED {finding.id} {finding.subject} ({finding.status})"
            page.paragraph(Span(what, "bold"), until, mark="~")
            page.paragraph(finding.message, indent=4)


def _counts(page: Page, report: Report) -> None:
    page.blank()
    passed = len(counting(report, Status.PASS))
    said = [f"{passed} passed"]
    absent = len(counting(report, Status.NOT_APPLICABLE))
    said += [f"{absent} not applicable"] if absent else []
    above = {level: len(ids) for level, ids in report.not_run.items() if ids}
    if above:
        levels = ", ".join(f"{level} {count}" for level, count in above.items())
        said.append(f"{many(sum(above.values()), 'check')} not run at this level ({levels})")
    page.parts(said, mark=_mark(Status.PASS) if passed else "-", mark_width=1)


def _every_finding(page: Page, report: Report) -> None:
    page.blank()
    page.paragraph(Span("Every finding", "bold"))
    for finding in report.findings:
        style = STYLE[finding.status]
        head = (Span(finding.status, style), Span(finding.id, "bold"), finding.subject)
        page.paragraph(*head, mark=_mark(finding.status))
        page.paragraph(finding.message, indent=4)
        page.parts(list(_figures(finding)), style="dim", mark_width=3)


def _figures(finding: Finding) -> Iterable[str]:
    unit = f" {finding.unit}" if finding.unit else ""
    if finding.measured is not None:
        yield f"measured {_shown(finding.measured)}{unit}"
    if finding.expected is not None:
        yield f"expected {_shown(finding.expected)}{unit}"
    yield finding.basis
    if finding.evidence:
        yield f"from {', '.join(finding.evidence)}"
    if finding.reason:
        yield finding.reason
    if finding.waived:
        yield f"waived until {finding.waived.until}"


def _by_remedy(findings: list[Finding], caused: Mapping[Key, str]) -> list[list[Finding]]:
    """Findings of one check that share the remedy, and the cause if they have one."""
    groups: dict[tuple[str, str | None, str | None], list[Finding]] = {}
    for finding in findings:
        cause = caused.get(key(finding))
        mending = None if cause else finding.remedy
        groups.setdefault((finding.id, mending, cause), []).append(finding)
    return list(groups.values())


def _heading(page: Page, finding: Finding, cause: str | None) -> None:
    """With the class of its remedy; what follows from another is mended with that."""
    word = Span(finding.status.upper(), STYLE[finding.status])
    told = f"follows from {cause}" if cause else finding.remedy_class
    remedy = Span(f"({told})", "dim") if told else ""
    page.paragraph(word, Span(finding.id, "bold"), remedy, mark=_mark(finding.status))


def _mark(status: Status) -> Span:
    return Span(MARK[status], STYLE[status])


def _at(findings: list[Finding], cards: list[str]) -> str:
    subjects = [f.subject for f in findings]
    if subjects == ["host"]:
        return ""
    if subjects == cards and len(cards) > 1:
        return "both cards: " if len(cards) == 2 else f"all {len(cards)} cards: "
    return f"{_listed(subjects)}: "


def _listed(subjects: list[str]) -> str:
    more = [f"{len(subjects) - SHOWN} more"] if len(subjects) > SHOWN else []
    return ", ".join(subjects[:SHOWN] + more)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value)) or "none"
    return str(value)
