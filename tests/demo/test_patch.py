"""A change either finds what it changes or is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from preflight.demo.patch import BadChange, changed, lines_joined

TEXT = "one 1\n\ttwo 2\n\nthree 3\n\ttwo 2\n\nfour 4\n"


def edited(tmp_path: Path, **change: Any) -> Any:
    whole = {"at": ["a", "stdout"], "why": "a test", **change}
    return changed({"a": {"stdout": TEXT}}, [whole], tmp_path)["a"]["stdout"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"from": "two 2", "to": "2"}, TEXT.replace("two 2", "2")),
        (
            {"from": "two 2", "to": "2", "within": "three 3"},
            "one 1\n\ttwo 2\n\nthree 3\n\t2\n\nfour 4\n",
        ),
        ({"from": "two", "drop": "lines"}, "one 1\n\nthree 3\n\nfour 4\n"),
        ({"from": "one 1", "drop": "block"}, "three 3\n\ttwo 2\n\nfour 4\n"),
        ({"from": "three 3", "drop": "block", "to": "3\n\n"}, "one 1\n\ttwo 2\n\n3\n\nfour 4\n"),
        ({"from": "four 4", "drop": "block"}, "one 1\n\ttwo 2\n\nthree 3\n\ttwo 2\n\n"),
        ({"to": "new"}, "new"),
        (
            {"from": "one 1", "again": {"one": "five", "2": "4"}},
            TEXT.rstrip() + "\n\nfive 1\n\ttwo 4\n",
        ),
    ],
)
def test_texts(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    assert edited(tmp_path, **change) == text


@pytest.mark.parametrize(
    "change",
    [
        {"from": "five", "to": "5"},
        {"from": "one", "to": "1", "within": "three 3"},
        {"from": "one", "to": "1", "within": "five"},
        {"from": "two 2", "drop": "block"},  # stands there, but begins no line
        {"from": "five", "drop": "lines"},
        {"from": "five", "again": {"five": "six"}},
        {"to": "5", "why": ""},
        {"to": "5", "at": []},
    ],
)
def test_a_change_that_fits_nothing_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(BadChange):
        edited(tmp_path, **change)


def test_values(tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text('{"status": "ok"}')
    sources = {"a": {"files": {"/x/1": "", "/x/2": "", "/y": ""}, "devices": [{"index": 0}]}}
    changes = [
        {"at": ["a", "files"], "from": "/x/", "drop": "matching", "why": "t"},
        {"at": ["a", "devices", 0, "calls", "n"], "to": {"value": 1}, "why": "t"},
        {"at": ["b"], "file": "new.json", "why": "t"},
    ]
    assert changed(sources, changes, tmp_path) == {
        "a": {"files": {"/y": ""}, "devices": [{"index": 0, "calls": {"n": {"value": 1}}}]},
        "b": {"status": "ok"},
    }
    assert "/x/1" in sources["a"]["files"], "the base is left as it was"
    with pytest.raises(BadChange):
        changed(sources, [{**changes[0], "from": "/z"}], tmp_path)
    with pytest.raises(KeyError):
        changed(sources, [{"at": ["a", "status"], "drop": "value", "why": "t"}], tmp_path)


def test_a_part_once_more_and_texts_of_everything_below(tmp_path: Path) -> None:
    sources = {"a": {"files": {"/x/1": "one", "/y": ""}, "devices": [{"id": "gpu 1", "index": 1}]}}
    changes = [
        {"at": ["a", "files"], "from": "/x/1", "again": {"x": "z", "one": "two"}, "why": "t"},
        {"at": ["a", "devices"], "from": 0, "again": {"gpu 1": "gpu 2"}, "why": "t"},
        {"at": ["a"], "from": "/y", "to": "/w", "why": "t"},
    ]
    assert changed(sources, changes, tmp_path)["a"] == {
        "files": {"/x/1": "one", "/w": "", "/z/1": "two"},
        "devices": [{"id": "gpu 1", "index": 1}, {"id": "gpu 2", "index": 1}],
    }
    for useless in ({"from": "/q", "to": "/w"}, {"from": "/q", "again": {"q": "w"}}):
        place = ["a"] if "to" in useless else ["a", "files"]
        with pytest.raises(BadChange):
            changed(sources, [{"at": place, "why": "t", **useless}], tmp_path)


def test_recorded_lines_become_texts_again() -> None:
    told = {"stdout": ["a", "b", ""], "devices": [{"name": "x"}], "empty": [], "n": 1}
    joined = {"stdout": "a\nb\n", "devices": [{"name": "x"}], "empty": [], "n": 1}
    assert lines_joined(told) == joined
