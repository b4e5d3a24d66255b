"""JSON Schemas (draft 2020-12) of what the tool writes; docs/ holds them as files.

They are made from the types themselves. Types and words are strict, further keys are allowed:
a contract grows by addition.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from preflight.capture import SCHEMA as CAPTURE
from preflight.capture import Capture
from preflight.facts import Facts, MissingReason
from preflight.findings import Finding, Level, Status, Verdict
from preflight.render.json_report import FINDING
from preflight.render.json_report import SCHEMA as REPORT

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_SIMPLE: dict[Any, Schema] = {
    str: _TEXT,
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    Any: {},
}
_OF_JUDGED = {
    "started": _TEXT,
    "finished": _TEXT,
    "level": {"enum": [level.value for level in Level]},
    "policy": _TEXT,
    "facts": {"$ref": "#/$defs/Facts"},
    "capture_sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}


@cache
def report_schema() -> Schema:
    """One host's report."""
    reasons = list(get_args(MissingReason))
    defs = {
        "Missing": _object({"missing": {"enum": reasons}, "detail": _TEXT}),
        "NotApplicable": _object({"not_applicable": _TEXT}),
    }
    defs["Finding"] = _finding(defs)
    _of(Facts, defs)
    judged = {"properties": _OF_JUDGED}
    not_judged = {"properties": {key: {"type": "null"} for key in _OF_JUDGED}}
    properties = {
        "schema": {"const": REPORT},
        "tool": _object({"name": _TEXT, "version": _TEXT}),
        "host": _TEXT,
        "verdict": {"enum": [verdict.value for verdict in Verdict]},
        "missing_required": {"type": "array", "items": _TEXT},
        "findings": {"type": "array", "items": {"$ref": "#/$defs/Finding"}},
        "not_run": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": _TEXT},
            "propertyNames": _OF_JUDGED["level"],
        },
        "layouts": {"type": ["array", "null"]},
        "simulated": {"type": "boolean"},
        "notes": {"type": "array", "items": _TEXT},
    }
    return {
        "$schema": DRAFT,
        "title": "The report of gpu-preflight on one host",
        **_object(properties, required=[*properties, *_OF_JUDGED]),
        "if": {"required": ["error"]},
        "then": {
            "properties": {
                **not_judged["properties"],
                "error": _object({"kind": _TEXT, "message": _TEXT, "hint": _TEXT}),
            }
        },
        "else": judged,
        "$defs": defs,
    }


def capture_schema() -> Schema:
    """The raw evidence of one host."""
    (out,), defs = msgspec.json.schema_components((Capture,), ref_template="#/$defs/{name}")
    defs["Capture"]["properties"]["schema"] = {"const": CAPTURE}
    return {"$schema": DRAFT, "title": "A capture of gpu-preflight", **out, "$defs": defs}


def _finding(defs: dict[str, Schema]) -> Schema:
    """A finding; trouble never without a remedy, an unknown never without its reason."""
    hints = get_type_hints(Finding)
    said: Schema = {"type": "string", "minLength": 1}
    named = dict.fromkeys(("id", "subject", "message"), said)
    troubled = {"remedy": said, "remedy_class": {"type": "string"}}
    return {
        **_object({key: _of(hints[key], defs) for key in FINDING} | named),
        "allOf": [
            {"if": _status("warn", "fail"), "then": {"properties": troubled}},
            {"if": _status("unknown"), "then": {"properties": {"reason": said}}},
        ],
    }


def _status(*words: str) -> Schema:
    return {"properties": {"status": {"enum": list(words)}}}


def _object(properties: Mapping[str, Schema], required: list[str] | None = None) -> Schema:
    names = list(properties) if required is None else required
    return {"type": "object", "properties": dict(properties), "required": names}


def _of(kind: Any, defs: dict[str, Schema]) -> Schema:
    """The schema of a type; a dataclass's own stands in `defs`."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if isinstance(kind, type) and issubclass(kind, (Status, Level, Verdict)):
        return {"enum": [member.value for member in kind]}
    if is_dataclass(kind):
        return _dataclass(kind, defs)
    return _generic(kind, defs)


def _dataclass(kind: Any, defs: dict[str, Schema]) -> Schema:
    if kind.__name__ not in defs:
        defs[kind.__name__] = {}  # a type may hold itself
        hints = get_type_hints(kind)
        properties = {f.name: _of(hints[f.name], defs) for f in fields(kind)}
        defs[kind.__name__] = _object(properties)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _generic(kind: Any, defs: dict[str, Schema]) -> Schema:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(argument, defs) for argument in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple and arguments[1:] == (...,):
        return {"type": "array", "items": _of(arguments[0], defs)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _of(arguments[1], defs)}
    raise TypeError(f"{kind} has no schema")
