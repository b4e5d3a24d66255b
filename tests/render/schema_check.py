"""Holds a report to its published contract; every report that a test makes passes here."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

DOCS = Path(__file__).resolve().parents[2] / "docs"


def assert_valid_report(document: dict[str, Any]) -> None:
    """The published schema, and what a schema cannot say: the verdict follows from the findings."""
    _assert_valid(document, "report.schema.json")
    counting = [f["status"] for f in document["findings"] if f["waived"] is None]
    assert (document["verdict"] == "reject") == ("fail" in counting), "verdict against findings"
    named = [(f["id"], f["subject"]) for f in document["findings"]]
    ran, later = {id for id, _ in named}, {id for ids in document["not_run"].values() for id in ids}
    assert not ran & later, f"run and not run: {ran & later}"


def assert_valid_capture(document: dict[str, Any]) -> None:
    _assert_valid(document, "capture.schema.json")


def _assert_valid(document: dict[str, Any], schema: str) -> None:
    errors = map(_deepest, _of(schema).iter_errors(document))
    told = [f"{error.json_path}: {error.message:.300}" for error in errors]
    assert not told, "\n".join(told)


def _deepest(error: ValidationError) -> ValidationError:
    """Of the alternatives that did not fit, the one that came furthest."""
    below = max(error.context or (), key=lambda e: len(e.absolute_path), default=None)
    return _deepest(below) if below else error


@cache
def _of(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((DOCS / schema).read_text(encoding="utf-8")))
