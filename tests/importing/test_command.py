"""`preflight import` and `preflight check --capture` as a person types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.importing.written import as_members, as_text, file, report

SECTIONS = report(
    "/usr/bin/nvidia-smi --query\n\nNVIDIA-SMI has failed because it couldn't communicate",
    file("/proc/version", "Linux version 6.2.0-34-generic (x)"),
)


def run(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "preflight", *words], capture_output=True)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "nvidia-bug-report.log.gz"
    path.write_bytes(as_members(SECTIONS))
    return path


def test_an_import_is_a_capture_that_is_judged_as_the_file_itself(packed: Path) -> None:
    made = packed.with_name("made.json")
    assert run("import", str(packed), "-o", str(made)).returncode == 0
    reports = [run("check", "--capture", str(p), "--json", "-") for p in (packed, made)]
    first, second = (json.loads(told.stdout) for told in reports)
    assert first == second
    assert first["policy"] == "imported"
    assert first["verdict"] == "reject"
    assert [told.returncode for told in reports] == [1, 1]


def test_a_plain_file_gives_the_same_capture(packed: Path) -> None:
    plain = packed.with_name("plain.log")
    plain.write_bytes(as_text(SECTIONS))
    one, two = (run("import", str(path), "-o", "-").stdout for path in (packed, plain))
    assert one == two
    assert json.loads(one)["imported"]["tool"] == "nvidia-bug-report.sh"


def test_a_policy_that_is_named_is_the_one_that_holds(packed: Path) -> None:
    told = run("check", "--capture", str(packed), "--policy", "production", "--json", "-")
    assert json.loads(told.stdout)["policy"] == "production"


def test_a_file_that_ends_early_is_said_to_and_never_accepted(packed: Path) -> None:
    packed.write_bytes(as_members(SECTIONS[:1]))
    imported = run("import", str(packed), "-o", str(packed.with_name("made.json")))
    assert imported.returncode == 0
    assert b"ends early" in imported.stderr
    told = run("check", "--capture", str(packed))
    assert told.returncode == 3
    assert b"the file ends early" in told.stdout


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b", b"\x1f\x8b\x08\x00garbage"])
def test_what_is_none_is_one_line_and_a_hint(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    told = run("import", str(path), "-o", "-")
    assert told.returncode == 2
    assert told.stdout == b""
    assert told.stderr.count(b"\n") == 2
    assert b"not a bug report" in told.stderr


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        told = run("import", str(path), "-o", "-")
        assert (told.returncode, told.stderr.count(b"\n")) == (2, 1)
