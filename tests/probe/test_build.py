"""The zip: the same bytes each time, small, fresh, and holding nothing but what runs on a host."""

from __future__ import annotations

import ast
import sys
import zipfile
from pathlib import Path

import pytest

from hatch_build import BINDING, build, trimmed
from tests.probe.machine import PROBE, REPOSITORY

SMALL = 150_000  # bytes; the contract says 250,000, and level soak needs room


def test_the_same_sources_give_the_same_bytes(tmp_path: Path, probe: Path) -> None:
    assert build(tmp_path / "again/probe.pyz").read_bytes() == probe.read_bytes()


def test_the_installed_probe_is_fresh(probe: Path) -> None:
    if not PROBE.exists():
        pytest.skip(f"{PROBE} was not built: pip install -e . or python hatch_build.py")
    assert PROBE.read_bytes() == probe.read_bytes(), "run: python hatch_build.py"


def test_it_is_small(probe: Path) -> None:
    assert probe.stat().st_size < SMALL


def test_no_time_and_no_owner_is_in_it(probe: Path) -> None:
    members = zipfile.ZipFile(probe).infolist()
    assert [member.filename for member in members] == sorted(member.filename for member in members)
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert not [member.filename for member in members if member.filename.endswith(".pyc")]


def test_it_holds_the_probe_and_the_binding_alone(probe: Path) -> None:
    names = set(zipfile.ZipFile(probe).namelist())
    folder = REPOSITORY / "preflight"
    modules = {
        f"preflight/{path.relative_to(folder)}"
        for pattern in ("*.py", "ptx/*.ptx")
        for path in (folder / "probe").glob(pattern)
    }
    assert names == modules | {"__main__.py", "preflight/__init__.py", "pynvml.py"}


def test_it_needs_the_standard_library_alone(probe: Path) -> None:
    archive = zipfile.ZipFile(probe)
    imported = set()
    for name in filter(lambda name: name.endswith(".py"), archive.namelist()):
        for node in ast.walk(ast.parse(archive.read(name))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
    ours = {name for name in imported if name.split(".")[0] in ("preflight", "pynvml")}
    assert {name.split(".")[0] for name in imported - ours} <= sys.stdlib_module_names
    assert all(
        name == "preflight" or name.startswith(("preflight.probe", "pynvml")) for name in ours
    )


def test_the_binding_keeps_its_licence(probe: Path) -> None:
    text = zipfile.ZipFile(probe).read("pynvml.py").decode()
    assert text.startswith("#####\n# Copyright (c) 2011-2025, NVIDIA Corporation.")
    assert "THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS" in text


def test_the_binding_is_the_one_that_the_package_is_built_with() -> None:
    assert f'"{BINDING[0]}=={BINDING[1]}"' in (REPOSITORY / "pyproject.toml").read_text()


SOURCE = """\
# licence
# of two lines

from ctypes import *
import os, string
import threading
USED = 1
UNUSED = 2
NVML_ERROR_X = 3
@decorated
def wanted(a):
    # a comment that stays
    return helper(USED) + os.getpid()

def helper(b): return Struct()
def unwanted(): return string.digits
class Struct(Base): pass
class Base(object): pass
def decorated(f): return f
helper(0)
"""


def test_trimming_keeps_what_is_used_and_what_that_uses(tmp_path: Path) -> None:
    user = tmp_path / "user.py"
    user.write_text('CALLS = ("wanted", "absent")\n')
    kept = trimmed(SOURCE, [user])
    assert kept.startswith("# licence\n# of two lines\n")
    assert "@decorated\ndef wanted(a):\n    # a comment that stays\n" in kept
    for word in (
        "USED = 1",
        "NVML_ERROR_X",
        "def helper",
        "class Struct",
        "class Base",
        "import os",
    ):
        assert word in kept
    for word in ("UNUSED", "unwanted", "threading"):
        assert word not in kept
    assert kept.endswith("helper(0)\n")
    compile(kept, "kept", "exec")
