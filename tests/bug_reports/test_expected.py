"""Twelve real machines by NVIDIA's own evidence files: every finding named, and none too many.

expected.yaml says what a good technician says of each; docs/accuracy.md counts it in a table, which
`--rewrite` writes. What needs a load is judged at a higher level and counted apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.acceptance import judge_saved
from preflight.findings import Finding, Report, Status
from preflight.purpose import NOTHING_ASKED, purpose

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "accuracy.md"
BEGIN, END = "<!-- machines in the wild: begin -->\n", "<!-- machines in the wild: end -->\n"
EXPECTED: Mapping[str, Any] = yaml.safe_load((HERE / "expected.yaml").read_text("utf-8"))
ALARMS = {"warn", "fail"}


@dataclass
class Count:
    """Warnings and failures of one machine, and all that is wrong with what was found."""

    expected: int = 0
    found: int = 0
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # expected quiet, unknown or in other words
    later: int = 0  # alarms that only a load shows


@cache
def report(folder: Path, name: str, use: str | None = None) -> Report:
    asked = purpose(use) if use else NOTHING_ASKED
    found = judge_saved(folder / f"{name}.log.gz", "default", asked).report
    assert found is not None
    return found


def entry_for(name: str, finding: Finding, use: str | None) -> Mapping[str, Any] | None:
    """The last entry that names this finding."""
    entries = [e for e in EXPECTED[name]["findings"] if e.get("for") == use]
    named = (
        e for e in reversed(entries)
        if e["id"] == finding.id and fnmatchcase(finding.subject, e["subject"])
    )  # fmt: skip
    return next(named, None)


def count(folder: Path, name: str) -> Count:
    total = Count()
    for use in {entry.get("for") for entry in EXPECTED[name]["findings"]}:
        judged = report(folder, name, use)
        for finding in judged.findings:
            _count_one(total, finding, entry_for(name, finding, use), use)
        _count_absent(total, name, judged, use)
    return total


def _count_one(
    total: Count, finding: Finding, entry: Mapping[str, Any] | None, use: str | None
) -> None:
    what = f"{finding.id} {finding.subject} {finding.status}: {finding.message}"
    if entry is None:
        if finding.status is Status.FAIL and use is None:
            total.false.append(what)
        return
    right = set(entry["status"].split("|"))
    if right <= ALARMS:
        total.expected += 1
        total.found += finding.status in right
        if finding.status not in right:
            total.missed.append(what)
    elif finding.status not in right:
        (total.false if finding.status in ALARMS else total.wrong).append(what)
    said = f"{finding.message} {finding.remedy}"
    total.wrong += [f"no {word!r} in {what}" for word in entry.get("says", ()) if word not in said]


def _count_absent(total: Count, name: str, judged: Report, use: str | None) -> None:
    """Entries that no finding answers: of checks above this level, or missed."""
    above = {id for ids in judged.not_run.values() for id in ids} | NOT_THERE_YET
    for entry in EXPECTED[name]["findings"]:
        if entry.get("for") != use or any(
            entry_for(name, f, use) is entry for f in judged.findings
        ):
            continue
        is_alarm = set(entry["status"].split("|")) <= ALARMS
        if entry["id"] in above:
            total.later += is_alarm
        elif is_alarm:
            total.missed.append(f"{entry['id']} {entry['subject']}")
        else:
            total.wrong.append(f"{entry['id']} {entry['subject']} is not judged")


NOT_THERE_YET = {"temperature-load"}  # needs sustained load


@pytest.fixture(scope="session")
def folder(corpus: Path) -> Path:
    found = corpus / "captures" / "bug-reports"
    if not found.is_dir():
        pytest.skip(f"no bug reports at {found} (PREFLIGHT_CORPUS says where)")
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_every_finding_is_that_of_a_good_technician(folder: Path, name: str) -> None:
    total = count(folder, name)
    assert (total.missed, total.false, total.wrong) == ([], [], [])
    assert total.found == total.expected


@pytest.mark.parametrize("name", EXPECTED)
def test_the_verdict(folder: Path, name: str) -> None:
    judged = report(folder, name)
    assert str(judged.verdict) in EXPECTED[name]["verdict"].split("|")
    assert judged.policy == "imported"


@pytest.mark.parametrize("name", EXPECTED)
def test_nothing_is_said_to_be_measured_and_no_reason_is_the_probes(
    folder: Path, name: str
) -> None:
    judged = report(folder, name)
    assert not [f.id for f in judged.findings if f.basis == "measured"]
    reasons = [f.reason or "" for f in judged.findings if f.status is Status.UNKNOWN]
    assert not [reason for reason in reasons if reason.startswith(("not collected", "tool absent"))]


def rows(folder: Path) -> Iterator[str]:
    yield "| machine | verdict | expected | found | missed | false | needs a load |"
    yield "|---|---|--:|--:|--:|--:|--:|"
    sums = [0] * 5
    for name in EXPECTED:
        total = count(folder, name)
        numbers = [total.expected, total.found, len(total.missed), len(total.false), total.later]
        sums = [one + more for one, more in zip(sums, numbers, strict=True)]
        yield _row(f"`{name}`", str(report(folder, name).verdict), numbers)
    yield _row(f"{len(EXPECTED)} machines", "", sums)


def _row(name: str, verdict: str, numbers: list[int]) -> str:
    return f"| {' | '.join((name, verdict, *map(str, numbers)))} |"


def test_the_table_of_machines_in_the_wild_is_what_they_give(folder: Path, rewrite: bool) -> None:
    table = "\n".join(rows(folder)) + "\n"
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if rewrite:
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{after}", "utf-8")
        shown = table
    assert shown == table, "review, then pytest tests/bug_reports --rewrite"
