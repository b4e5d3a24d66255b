"""What is installed holds the playbooks, roles and inventories of the checkout, and finds them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files in a folder, as pip would lay them out."""
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(argv, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages"


def tracked(name: str) -> set[str]:
    argv = ["git", "ls-files", name]
    listed = subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True)
    return set(listed.stdout.split())


def test_every_file_of_the_project_is_in_it(installed: Path) -> None:
    project = installed / "preflight" / "project"
    there = {str(p.relative_to(project)) for p in project.rglob("*") if p.is_file()}
    wanted = tracked("playbooks") | tracked("roles") | tracked("inventory")
    assert len(wanted) > 50
    assert not wanted - there
    assert not [p for p in project.rglob("*") if p.is_symlink()]


def test_the_installed_package_plays_its_own_playbooks(installed: Path, tmp_path: Path) -> None:
    code = "from preflight.deploy.project import find; print(find().folder)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    folder = Path(found.stdout.strip())
    assert folder == installed / "preflight" / "project"
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "--list-tasks", "-i", "rig,"]
    for book in sorted((folder / "playbooks").glob("deploy-*.yml")):
        listed = subprocess.run(
            [*argv, str(book)], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert listed.returncode == 0, listed.stderr
        assert "preflight : Stop" in listed.stdout
