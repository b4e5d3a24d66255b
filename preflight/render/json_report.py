"""The report as JSON: the contract that other programs read, held by docs/report.schema.json.

A fact that is missing stands as {"missing": reason, "detail": words}, one that does not exist on
its subject as {"not_applicable": phrase}; neither is ever null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from preflight import __version__
from preflight.capture import plain
from preflight.errors import PreflightError
from preflight.facts import Missing, NotApplicable
from preflight.findings import Finding, Report, Verdict
from preflight.render.outcome import Outcome

SCHEMA = "gpu-preflight/report/1"
TOOL = {"name": "gpu-preflight", "version": __version__}
FINDING = (
    "id",
    "status",
    "subject",
    "measured",
    "expected",
    "unit",
    "message",
    "remedy",
    "basis",
    "evidence",
    "remedy_class",
    "reason",
    "waived",
)


def to_json(one: Report | Outcome) -> bytes:
    """One host's document, the same bytes for the same report."""
    return _bytes(document(one))


def to_json_array(documents: Iterable[bytes]) -> bytes:
    """Documents of several hosts as one array, in the order given."""
    return _bytes([json.loads(one) for one in documents])


def document(one: Report | Outcome) -> dict[str, Any]:
    """One host as plain JSON values; a host that was not judged has `error` and no findings."""
    if isinstance(one, Report):
        return _judged(one)
    if one.report:
        return _judged(one.report)
    assert one.error is not None
    return _not_judged(one.host, one.error)


def _judged(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "tool": TOOL,
        "host": _value(report.host),
        "started": _value(report.started),
        "finished": _value(report.finished),
        "level": report.level.value,
        "policy": _value(report.policy),
        "simulated": report.simulated is not None,
        "verdict": report.verdict.value,
        "missing_required": list(report.judgement.missing_required),
        "findings": [_finding(finding) for finding in report.findings],
        "not_run": {str(level): list(ids) for level, ids in report.not_run.items()},
        "layouts": None if report.layouts is None else [dict(one) for one in report.layouts],
        "facts": _value(report.facts),
        "capture_sha256": report.capture_sha256,
        "notes": [_value(note) for note in report.notes],
    }


def _not_judged(host: str, error: PreflightError) -> dict[str, Any]:
    nothing = ("started", "finished", "level", "policy")
    return {
        "schema": SCHEMA,
        "tool": TOOL,
        "host": _value(host),
        **dict.fromkeys(nothing),
        "simulated": False,
        "verdict": Verdict.UNKNOWN.value,
        "missing_required": [],
        "findings": [],
        "not_run": {},
        "layouts": None,
        "facts": None,
        "capture_sha256": None,
        "notes": [],
        "error": {
            "kind": type(error).__name__,
            "message": _value(str(error)),
            "hint": _value(error.hint),
        },
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {key: _value(getattr(finding, key)) for key in FINDING}


def _value(value: Any) -> Any:
    """Any value of a report as JSON; text without escapes, a number that is none as null."""
    if isinstance(value, Missing):
        return {"missing": value.reason, "detail": _text(value.detail)}
    if isinstance(value, NotApplicable):
        return {"not_applicable": _text(value.reason)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    return _nested(value)


def _nested(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _value(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_text(str(key)): _value(item) for key, item in sorted(value.items())}
    if isinstance(value, (set, frozenset)):
        return sorted(map(_value, value))
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _text(text: str) -> str:
    return plain(text).encode("utf-8", "replace").decode()


def _bytes(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    return text.encode() + b"\n"
