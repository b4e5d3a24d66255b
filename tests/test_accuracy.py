"""docs/accuracy.md counts, machine by machine, what was expected and what was found.

The table stands between two marks and is written by `--rewrite`; what is expected of a machine is
its expected.yaml (tests/test_hosts.py says how it is read).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from preflight.demo import machine
from tests.test_hosts import MEASURED, NAMES, SIMULATED, expected, judged, wanted

PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
BEGIN, END = "<!-- golden machines: begin -->\n", "<!-- golden machines: end -->\n"
ALARMS = {"warn", "fail"}
QUIET = {"pass", "not-applicable"}


@dataclass
class Count:
    """Findings of one machine; an entry that allows several statuses counts where it must alarm."""

    expected: int = 0  # warnings and failures that must be there
    found: int = 0
    missed: int = 0  # expected, and passed or left open
    false: int = 0  # warned or failed, and nobody expected it
    unknown: int = 0  # could not be read, as expected
    passed_unread: int = 0  # passed, and nothing could have told it
    corrected: int = 0  # entries of expected.yaml put right after the checks had run


def count(name: str) -> Count:
    told, total = expected(name), Count()
    for finding in judged(name).findings:
        right, got = set(wanted(told, finding.id, finding.subject)), str(finding.status)
        if right <= ALARMS:
            total.expected += 1
            total.found += got in right
            total.missed += got not in right
        total.false += got in ALARMS and got not in right
        total.unknown += got == "unknown" and got in right
        total.passed_unread += got in QUIET and right == {"unknown"}
    own = told["findings"][len(expected(told["as"])["findings"]) if "as" in told else 0 :]
    total.corrected = sum("corrected" in entry for entry in own)
    return total


def rows() -> Iterator[str]:
    yield "| machine | evidence | verdict | expected | found | missed | false | unknown | passed unread | corrected |"  # noqa: E501
    yield "|---|---|---|--:|--:|--:|--:|--:|--:|--:|"
    sums = Count()
    for name in NAMES:
        counted = count(name)
        for field in fields(Count):
            setattr(sums, field.name, getattr(sums, field.name) + getattr(counted, field.name))
        base = name.removesuffix("-measured")
        is_simulated = name in SIMULATED or name in MEASURED
        title = machine.load(base).title if is_simulated else "recorded on a real host"
        cells = (f"`{name}`", title, str(judged(name).verdict), *map(str, astuple(counted)))
        yield f"| {' | '.join(cells)} |"
    yield f"| {' | '.join((f'{len(NAMES)} machines', '', '', *map(str, astuple(sums))))} |"


def test_the_table_of_golden_machines_is_what_they_give(rewrite: bool) -> None:
    table = "\n".join(rows()) + "\n"
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if rewrite:
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{after}", "utf-8")
        shown = table
    assert shown == table, "review, then pytest tests/test_accuracy.py --rewrite"
