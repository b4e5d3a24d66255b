"""docs/not-there-yet.md tells the truth about which checks there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from preflight.checks import registry

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "not-there-yet.md").read_text()
LISTED, PARTS = PAGE.split("## Parts of checks that are there")
THERE = {check.id for check in registry()}


def ids(text: str) -> set[str]:
    return set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)*)`", text))


def test_what_is_listed_is_not_there() -> None:
    named = {"kernel-faults", "cuda-environment"}  # where what is listed is judged instead
    assert ids(LISTED) & THERE == named, "a check that is there leaves the list"


def test_parts_are_of_checks_that_are_there() -> None:
    rows = [line.split("|")[1] for line in PARTS.splitlines() if line.startswith("| `")]
    assert len(rows) > 15
    assert set().union(*map(ids, rows)) <= THERE


def test_every_check_of_the_specification_is_there_or_listed(corpus: Path) -> None:
    specification = corpus / "checks.md"
    if not specification.exists():
        pytest.skip(f"no {specification}")
    lines = specification.read_text().splitlines()
    heads = [re.match(r"- ((?:`[a-z0-9-]+`(?:, | · )?)+)", line) for line in lines]
    named = set().union(*(ids(head[1]) for head in heads if head))
    assert len(named) > 100
    assert named - {"physical-slot"} <= THERE | ids(LISTED)
