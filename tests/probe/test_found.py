"""Sources that a host has one a device of: the disks and network cards that are asked, and how."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.capture import MAX_BYTES, Capture, decode
from preflight.probe import found
from preflight.probe.sources import SOURCES
from preflight.probe.tree import Tree
from tests.probe.machine import PATIENCE_S, file, tool

DISKS = ("nvme0n1", "sda", "loop0", "dm-0", "zram0", "vda", "sr0")


def card(root: Path, name: str, state: str = "up\n", *, is_real: bool = True) -> None:
    file(root, f"/sys/class/net/{name}/operstate", state)
    if is_real:
        file(root, f"/sys/class/net/{name}/device/vendor", "0x15b3\n")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    for name in DISKS:
        file(tmp_path, f"/sys/block/{name}/size", "1\n")
    for name in ("nvme0n1", "sda"):
        file(tmp_path, f"/dev/{name}")
    card(tmp_path, "eno1")
    card(tmp_path, "eno2", "down\n")
    card(tmp_path, "docker0", is_real=False)
    tool(tmp_path, "smartctl", 'echo "$*"; exit 4')
    tool(tmp_path, "ethtool", 'echo "Settings for $1:"')
    return tmp_path


def captured(probe: Path, host: Path) -> Capture:
    done = subprocess.run(
        [sys.executable, str(probe), "--root", str(host)], capture_output=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr.splitlines()[0])["sources"] == len(SOURCES) + 3
    return decode(done.stdout)


def test_each_disk_and_each_card_with_a_link_is_asked(probe: Path, host: Path) -> None:
    sources = captured(probe, host).sources
    added = {name: source for name, source in sources.items() if name.startswith(("smart", "etht"))}
    assert sorted(added) == ["ethtool-eno1", "smart-nvme0n1", "smart-sda"]
    assert added["ethtool-eno1"].stdout == "Settings for eno1:\n"
    told = added["smart-nvme0n1"]
    assert (told.status, told.exit_code) == ("tool-failed", 4)
    assert told.stdout == "-j -n standby -H -A /dev/nvme0n1\n"


def test_a_disk_without_a_device_file_is_not_asked(probe: Path, host: Path) -> None:
    (host / "dev/sda").unlink()
    assert captured(probe, host).sources["smart-sda"].status == "not-present"


def test_no_more_than_some_of_each_kind(tmp_path: Path) -> None:
    for number in range(40):
        file(tmp_path, f"/sys/block/sd{number}/size")
        card(tmp_path, f"eth{number}")
    sources = list(found.found(Tree(str(tmp_path))))
    assert len(sources) == 2 * found.MOST
    room = sum(source.max_bytes for source in (*SOURCES, *sources))
    assert room < MAX_BYTES


def test_a_name_that_looks_like_an_option_is_left_out(tmp_path: Path) -> None:
    card(tmp_path, "-D")
    card(tmp_path, "eth\N{MIDDLE DOT}0")
    assert list(found.found(Tree(str(tmp_path)))) == []
