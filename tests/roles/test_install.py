"""Versions side by side, by the real pip from a folder of wheels.

The wheels are empty but for their metadata: what is tried is the role and pip, not vLLM, which the
lab installs by uv.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from preflight.catalog import vllm_versions
from tests.roles.conftest import play

PLAYBOOK = Path(__file__).with_name("install.yml")
VERSIONS = ("0.31.0", "0.32.0", "0.33.0")
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NO ROOT: nothing was installed by pip")


def wheel(folder: Path, name: str, version: str, *needs: str) -> None:
    about = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{about}/METADATA": metadata + "".join(f"Requires-Dist: {need}\n" for need in needs),
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for version in VERSIONS:
        release = vllm_versions.release(version)
        assert release
        wheel(folder, "vllm", version, f"torch=={release.torch}")
    for torch in ("2.13.0", "2.14.0"):
        wheel(folder, "torch", torch)
    return folder


def install(
    root: Path, wheels: Path, *versions: str, **told: object
) -> subprocess.CompletedProcess[str]:
    variables = {
        "versions": versions,
        "vllm_root": str(root),
        "vllm_installer": "pip",
        "vllm_python": sys.executable,
        "vllm_wheel_dir": str(wheels),
        **told,
    }
    return play(root.parent, PLAYBOOK, "-e", json.dumps(variables))


def there(root: Path) -> tuple[str, set[str]]:
    """The current version, and all."""
    return (root / "current").resolve().name, {p.name for p in root.iterdir() if p.name[0] == "0"}


def test_versions_stand_side_by_side_and_the_one_that_runs_is_kept(
    tmp_path: Path, wheels: Path
) -> None:
    root = tmp_path / "vllm"
    done = install(root, wheels, "0.31.0", "0.32.0")
    assert done.returncode == 0, done.stdout
    assert there(root) == ("0.32.0", {"0.31.0", "0.32.0"})
    again = install(root, wheels, "0.32.0")
    assert re.search(r"ok=\d+ +changed=0 ", again.stdout), again.stdout
    # back to the older one, which servers then run, and on: it is the newer that has to go
    done = install(root, wheels, "0.31.0", "0.33.0", vllm_keep_versions=1)
    assert done.returncode == 0, done.stdout
    assert there(root) == ("0.33.0", {"0.31.0", "0.33.0"})
    folder = root / "current"
    files = [folder.resolve(), *folder.resolve().rglob("*")]
    closed = [path for path in files if not path.is_symlink() and not path.stat().st_mode & 0o004]
    assert closed == [], "the service's user must read what root has installed"
    python = folder / "bin/python"
    code = "import importlib.metadata as m; print(m.version('vllm'), m.version('torch'))"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["0.33.0", "2.14.0"]


@pytest.mark.parametrize(
    "version, told, words",
    [
        ("0.32.1", {}, "No matching distribution found for vllm==0.32.1 — let the host reach"),
        ("0.19.0", {}, "must be a release from 0.20.0 on: older releases have known holes"),
        ("0.6.0", {"vllm_allow_vulnerable": True}, "down to 0.6.6"),
        ("0.32.0", {"vllm_keep_versions": 0}, "vllm_keep_versions is 0 and must be 1 or more"),
        (
            "0.32.0",
            {"vllm_python": "/nowhere"},
            "/nowhere is Python (none); vLLM 0.32.0 needs 3.11",
        ),
        ("0.32.0", {"vllm_wheel_dir": "/nowhere"}, "vllm_wheel_dir /nowhere is no folder"),
        (
            "0.32.0",
            {"vllm_models": [{"name": "a", "repo": "b/c", "revision": "main"}]},
            "vllm_models holds a at main",
        ),
    ],
)
def test_what_cannot_be_installed_is_told_with_what_to_do(
    tmp_path: Path, wheels: Path, version: str, told: dict[str, object], words: str
) -> None:
    done = install(tmp_path / "vllm", wheels, version, **told)
    assert done.returncode == 2
    assert words in " ".join(done.stdout.split())
    assert not (tmp_path / "vllm/current").exists()
