"""What holds for every check, also for those that are not yet written."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from pathlib import Path

import pytest

import preflight.checks
from preflight import engine
from preflight.checks import Check, registry
from preflight.facts import (
    Facts,
    FileSystem,
    Gpu,
    GpuPair,
    Host,
    Missing,
    NotApplicable,
    PeerPath,
)
from preflight.findings import Level, Status
from preflight.policy import Policy

FOLDER = Path(preflight.checks.__file__).parent
FILES = sorted(path for path in FOLDER.glob("*.py") if path.stem != "__init__")
every_check = pytest.mark.parametrize("check", registry(), ids=lambda check: check.id)
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def facts_with(fact: Missing | NotApplicable) -> Facts:
    """Two cards and a disk of which every single fact is this one."""

    def all_of(kind: type, **names: str) -> object:
        own = {field.name for field in dataclasses.fields(kind)} - {"sources", *names}
        own -= {"subject", "label", "pci"}
        return kind(**names, **dict.fromkeys(own, fact))

    host = all_of(Host)
    gpus = tuple(all_of(Gpu, subject=f"gpu{n}", pci=f"0000:0{n}:00.0") for n in (1, 2))
    pair = all_of(GpuPair, subject="gpu0-gpu1", label="gpu0 and gpu1")
    path = all_of(PeerPath, subject="gpu0>gpu1", label="gpu0 to gpu1")
    disk = all_of(FileSystem, subject="disk:/", label="disk:/")
    return Facts(host, gpus, (pair,), (path,), (disk,))  # type: ignore[arg-type]


@every_check
@pytest.mark.parametrize(
    "fact, status",
    [
        (Missing("tool-absent", "nothing could be read"), Status.UNKNOWN),
        (NotApplicable("it does not exist here"), Status.NOT_APPLICABLE),
    ],
    ids=["missing", "not-applicable"],
)
def test_no_fact_is_no_opinion(check: Check, fact: Missing | NotApplicable, status: Status) -> None:
    if check.idle(check.limits()):
        return  # it owes an opinion only where a policy asks for one
    findings = engine.judge(facts_with(fact), Policy("test"), Level.SOAK, [check])
    assert findings
    assert {finding.status for finding in findings} == {status}
    assert all(finding.reason == str(fact) for finding in findings)
    assert all(finding.remedy is None for finding in findings)


@every_check
def test_docstring_tells_a_stranger_why_and_what_to_do(check: Check) -> None:
    assert re.fullmatch(r"[A-Z].*\.", check.summary), "the first line is one sentence"
    for heading in ("Why", "Fix", "Source"):
        assert len(check.section(heading)) > 20, f"{heading}: is missing"
        assert check.section(heading).endswith("."), f"{heading}: is cut short"
    assert check.section("Why") not in check.section("Fix")


@every_check
def test_parameters_are_facts_of_its_subject(check: Check) -> None:
    parameters = list(inspect.signature(check.check).parameters.values())
    assert parameters[0].name == "limits"
    facts = parameters[1:]
    assert all(p.kind is p.KEYWORD_ONLY for p in facts)
    known = {f.name for f in dataclasses.fields(check.subject)} - {"subject", "label", "sources"}
    assert {p.name for p in facts} <= known
    assert engine.needs(check), "without a fact that it needs it would judge nothing"


@every_file
def test_id_is_the_file_name(path: Path) -> None:
    [check] = [check for check in registry() if check.id == path.stem.replace("_", "-")]
    assert check.id in path.read_text()


def test_the_folder_is_the_registry() -> None:
    assert [check.id.replace("-", "_") for check in registry()] == [path.stem for path in FILES]


@every_check
def test_limits_are_plain_values_that_a_policy_can_set(check: Check) -> None:
    assert check.limits() == check.limits(), "every field has a default"
    for field in dataclasses.fields(check.limits):
        assert str(field.type) in {"int", "float", "bool", "str"} or str(field.type).startswith(
            "tuple["
        )


@every_file
def test_every_limit_says_what_it_is(path: Path) -> None:
    """A comment on the line of each field, or above it."""
    lines = path.read_text().splitlines()
    [limits] = [
        node
        for node in ast.parse("\n".join(lines)).body
        if isinstance(node, ast.ClassDef) and node.name == "Limits"
    ]
    fields = [node for node in limits.body if isinstance(node, ast.AnnAssign)]
    bare = [
        node
        for node in fields
        if "#" not in lines[node.lineno - 1] and not lines[node.lineno - 2].strip().startswith("#")
    ]
    assert ast.get_docstring(limits)
    assert not bare, f"line {bare[0].lineno}: a limit without a word"


@every_file
def test_a_check_reads_nothing_but_facts(path: Path) -> None:
    """No other check, no capture, no policy, no clock, no file."""
    allowed = {"__future__", "collections", "collections.abc", "dataclasses", "math", "statistics"}
    allowed |= {"textwrap", "typing"}
    allowed |= {
        "preflight.facts",
        "preflight.layout",
        "preflight.findings",
        "preflight.host_copies",
        "preflight.link_rates",
        "preflight.measured",
        "preflight.versions",
        "preflight.xids",
    }
    tree = ast.parse(path.read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= allowed


@every_file
def test_every_check_has_a_table_of_cases(path: Path) -> None:
    assert (Path(__file__).parent / f"test_{path.stem}.py").exists()


def test_a_new_file_is_all_that_a_new_check_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (FOLDER / "pcie_link_width.py").read_text()
    new = tmp_path / "a_new_check.py"
    new.write_text(source.replace('"pcie-link-width"', '"a-new-check"'))
    monkeypatch.setattr(preflight.checks, "__path__", [str(FOLDER), str(tmp_path)])
    found = registry.__wrapped__()
    assert {check.id for check in found} - {check.id for check in registry()} == {"a-new-check"}
