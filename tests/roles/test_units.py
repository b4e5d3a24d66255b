"""Units as systemd itself reads them: without a fault, and closed but for what has a reason."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.roles.conftest import RENDERINGS

UNITS = [str(r["name"]) for r in RENDERINGS if str(r["name"]).endswith(".service")]
pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="NO SYSTEMD: units were not verified"
)
EXPOSURE = 2.0
_EXEC = re.compile(r"^Exec\w+=[-+@!:]*(\S+)", re.M)


def _analyze(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *argv], capture_output=True, text=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A file system with systemd's own units and what the unit runs."""
    for folder in ("usr/lib/systemd", "lib/systemd"):
        if Path("/", folder).is_dir():
            (tmp_path / folder).parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(
                Path("/", folder, "system"), tmp_path / folder / "system", symlinks=True
            )
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_no_fault(rendered: Path, root: Path, name: str) -> None:
    text = (rendered / name).read_text()
    unit = root / "etc/systemd/system" / Path(name).name.replace("@", "@main")
    unit.write_text(text)
    if "@" in name:
        (unit.parent / Path(name).name).write_text(text)
    for program in _EXEC.findall(text):
        path = root / program.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    done = _analyze("verify", "--man=no", f"--root={root}", unit)
    assert (done.returncode, _about(done.stderr, unit.name)) == (0, [])


def _about(text: str, unit: str) -> list[str]:
    """What is said of this unit; others of the system are not ours."""
    return [line for line in text.splitlines() if unit in line]


@pytest.mark.parametrize("name", UNITS)
def test_exposure_is_below_two(rendered: Path, tmp_path: Path, name: str) -> None:
    unit = tmp_path / Path(name).name.replace("@", "@main")
    unit.write_text((rendered / name).read_text())
    done = _analyze("security", "--offline=true", "--no-pager", unit)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) < EXPOSURE, done.stdout


def test_a_server_is_restarted_and_leaves_no_worker(rendered: Path) -> None:
    text = (rendered / "vllm@.service").read_text()
    assert "\nRestart=always\n" in text
    assert "\nKillMode=mixed\n" in text
    assert "\nTimeoutStopSec=120\n" in text
    assert "\nIPAddressDeny=any\n" in text


def test_a_port_below_1024_gets_one_right_more(rendered: Path) -> None:
    assert (
        "AmbientCapabilities=CAP_NET_BIND"
        in (rendered / "privileged/load-balancer.service").read_text()
    )
    assert "CAP_NET" not in (rendered / "caddy/load-balancer.service").read_text()
