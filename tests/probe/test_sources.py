"""The table of sources against the page that tells them, and against the limits of a capture."""

from __future__ import annotations

import re

import pytest

from preflight.capture import MAX_BYTES
from preflight.probe import files
from preflight.probe.sources import LEVELS, SOURCES
from tests.probe.machine import REPOSITORY

CHANGING = {"-pm", "-pl", "-r", "-c", "-e", "-mig", "--gpu-reset", "-ac", "-rac", "-lgc", "set"}


def told() -> list[str]:
    """Names in the page's table; `-w` after `smi-p2p-r` is short for `smi-p2p-w`."""
    page = (REPOSITORY / "docs/capture.md").read_text().partition("## Sources of level look")[2]
    page = page.partition("\n## ")[0]
    names: list[str] = []
    for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", row):
            names.append(names[-1][: -len(name)] + name if name.startswith("-") else name)
    return names


def test_every_source_is_told_and_every_told_source_is_there() -> None:
    assert sorted(told()) == sorted(source.name for source in SOURCES)


def test_privileged_sources_are_those_told_so() -> None:
    page = (REPOSITORY / "docs/capture.md").read_text()
    rows = [row for row in page.splitlines() if row.startswith("| `") and "(privileged)" in row]
    named = {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row.split("|")[1])}
    assert named == {source.name for source in SOURCES if source.privileged}


def test_names_are_unique() -> None:
    assert len({source.name for source in SOURCES}) == len(SOURCES)


def test_all_outputs_together_fit_a_capture() -> None:
    # JSON writes a control character as six
    assert sum(source.max_bytes for source in SOURCES) < MAX_BYTES


def test_each_lane_ends_before_the_deadline() -> None:
    for level, deadline_s in LEVELS.items():
        lanes: dict[str, float] = {}
        for source in SOURCES:
            if source.level == level and source.lane:
                lanes[source.lane] = lanes.get(source.lane, 0) + source.timeout_s
            assert source.timeout_s < deadline_s
        assert all(total < deadline_s for total in lanes.values())


@pytest.mark.parametrize("source", [s for s in SOURCES if s.argv], ids=lambda s: s.name)
def test_no_command_changes_anything(source: object) -> None:
    argv = source.argv  # type: ignore[attr-defined]
    allowed = {("nvidia-smi", "nvlink", "-e")}  # there it asks for error counters
    assert argv in allowed or not CHANGING & set(argv[1:])
    assert "sh" not in argv[:1]


def test_file_groups_are_told_by_their_sources() -> None:
    groups = {source.name for source in SOURCES if source.reader == "files"}
    assert groups == set(files.TEXTS) | set(files.NAMES)
