"""Real files cut anywhere, shuffled and spoilt: less is known then, and nothing is made up."""

from __future__ import annotations

import gzip
import random
from functools import cache
from pathlib import Path

import pytest

from preflight.findings import Report, Status, Verdict
from preflight.importing import bug_report
from preflight.judging import judge_capture
from preflight.policy import load as load_policy
from tests.bug_reports.test_expected import folder  # noqa: F401 - a fixture

LINE = b"_" * 44 + b"\n"
# One of each sort: healthy, refused as a whole, old layout, history of losses, a guest.
NAMES = (
    "rtx3060-omen", "a6000-3x-x299", "gtx1080ti-z10pe", "rtx3060ti-z390", "a6000-2x-3090-2x-vm",
)  # fmt: skip


@cache
def text(folder: Path, name: str) -> bytes:  # noqa: F811
    return gzip.decompress((folder / f"{name}.log.gz").read_bytes())


def judged(data: bytes) -> Report:
    return judge_capture(bug_report.read(data, "f"), b"", load_policy("imported"))


def alarms(report: Report, *statuses: Status) -> set[tuple[str, str]]:
    return {(f.id, f.subject) for f in report.findings if f.status in statuses}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_anywhere_is_never_accepted_and_alarms_of_nothing_new(
    folder: Path,  # noqa: F811
    name: str,
) -> None:
    whole = text(folder, name)
    full = judged(whole)
    random_places = random.Random(name).sample(range(1000, len(whole) - 50), 12)
    for place in [*random_places, len(whole) - 50, whole.index(b"dmesg:") + 300]:
        report = judged(whole[:place])
        assert report.verdict is not Verdict.ACCEPT, place
        assert alarms(report, Status.FAIL) <= alarms(full, Status.FAIL), place
        worse = alarms(full, Status.FAIL, Status.WARN)
        assert alarms(report, Status.WARN) <= worse, place


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_sections_tells_nothing(folder: Path, name: str) -> None:  # noqa: F811
    first, prologue, *body, end = text(folder, name).split(LINE)
    random.Random(name).shuffle(body)
    shuffled = judged(LINE.join([first, prologue, *body, end]))
    full = judged(text(folder, name))
    assert [(f.id, f.subject, f.status) for f in shuffled.findings] == [
        (f.id, f.subject, f.status) for f in full.findings
    ]


@pytest.mark.parametrize("name", NAMES)
def test_bytes_of_any_kind_are_no_reason_to_stop(folder: Path, name: str) -> None:  # noqa: F811
    chance = random.Random(name)
    spoilt = bytearray(text(folder, name))
    for _ in range(len(spoilt) // 500):
        spoilt[chance.randrange(1000, len(spoilt))] = chance.randrange(256)
    assert judged(bytes(spoilt)).findings


def test_each_section_may_be_absent(folder: Path) -> None:  # noqa: F811
    """A dropped section is no evidence of absence: no card, module or log line is missed for it.

    The daemon that keeps the driver loaded is known by its section alone.
    """
    name = "rtx3060-omen"
    parts = text(folder, name).split(LINE)
    full = judged(text(folder, name))
    for place in range(2, len(parts) - 1):
        report = judged(LINE.join([*parts[:place], *parts[place + 1 :]]))
        heading = parts[place].strip()[:60]
        assert not alarms(report, Status.FAIL), heading
        known = {("persistence-mode", "gpu0")} if b"systemctl" in heading else set()
        assert alarms(report, Status.WARN) <= alarms(full, Status.WARN) | known, heading
