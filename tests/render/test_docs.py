"""The generated pages and schemas in docs/ are what the code says; --rewrite writes them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator

from preflight.checks import registry
from preflight.render.explain import checks_page
from preflight.render.schema import capture_schema, report_schema

from .schema_check import DOCS

GENERATED: dict[str, Callable[[], str]] = {
    "checks.md": lambda: checks_page(registry()),
    "report.schema.json": lambda: json.dumps(report_schema(), indent=1) + "\n",
    "capture.schema.json": lambda: json.dumps(capture_schema(), indent=1) + "\n",
}


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_what_the_code_says(name: str, rewrite: bool) -> None:
    path, text = DOCS / name, GENERATED[name]()
    if rewrite:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"docs/{name} is old: pytest --rewrite"


@pytest.mark.parametrize("schema", [report_schema, capture_schema])
def test_a_schema_is_one(schema: Callable[[], dict[str, object]]) -> None:
    Draft202012Validator.check_schema(schema())
