"""File groups: what is read, under which name it is kept, and what never leaves the root."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from preflight.probe.tree import Tree, matches
from tests.probe.machine import NOBODY, file, one


def test_texts_links_and_presence(tmp_path: Path) -> None:
    file(tmp_path, "/usr/lib/os-release", "ID=debian\n\n")
    file(tmp_path, "/.dockerenv")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").symlink_to("../usr/lib/os-release")
    (tmp_path / "sys/module/nouveau/parameters").mkdir(parents=True)
    file(tmp_path, "/sys/module/nvidia/parameters/NVreg_A", "1\n")
    entry = one(tmp_path, {"name": "os", "reader": "files"})
    assert entry["status"] == "ok"
    assert entry["files"] == {
        "/etc/os-release": "ID=debian",
        "/.dockerenv": "",
        "/sys/module/nouveau": "",
        "/sys/module/nvidia/parameters/NVreg_A": "1",
    }


def test_nothing_there_is_not_present(tmp_path: Path) -> None:
    assert one(tmp_path, {"name": "dmi", "reader": "files"})["status"] == "not-present"


def test_of_a_long_file_one_line_is_kept(tmp_path: Path) -> None:
    file(tmp_path, "/proc/stat", "cpu 1 2 3\nbtime 1700000000\nprocesses 5\n")
    files = one(tmp_path, {"name": "proc", "reader": "files"})["files"]
    assert files == {"/proc/stat": "btime 1700000000"}


ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask
eno1\t00000000\t0102000A\t0003\t0\t0\t100\t00000000
eno1\t0002000A\t00000000\t0001\t0\t0\t100\t00FFFFFF
"""
SOCKETS = """  sl  local_address rem_address   st tx_queue rx_queue
   0: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000
   1: 0100007F:1F41 0100007F:AEB4 01 00000000:00000000 00:00000000 00000000  1000
"""


@pytest.mark.parametrize(
    "group, path, text, expected",
    [
        ("proc", "/proc/net/route", ROUTES, ROUTES.splitlines()[1]),
        ("proc", "/proc/net/tcp", SOCKETS, SOCKETS.splitlines()[1]),
        (
            "proc",
            "/proc/self/environ",
            "HF_TOKEN=x\0CUDA_VISIBLE_DEVICES=0\0",
            "CUDA_VISIBLE_DEVICES=0",
        ),
        ("os", "/etc/environment", "TOKEN=x\n LD_PRELOAD=/a.so\nPATH=/bin\n", " LD_PRELOAD=/a.so"),
        ("os", "/etc/ld.so.preload", "/a.so\n", "/a.so"),
        (
            "os",
            "/etc/docker/daemon.json",
            '{"proxies":"http://u:secret@h","path":"nvidia-container-runtime"}',
            "nvidia-container-runtime",
        ),
        ("os", "/etc/containerd/config.toml", 'password = "secret"', ""),
    ],
)
def test_of_what_may_be_private_only_what_is_asked_for_is_kept(
    tmp_path: Path, group: str, path: str, text: str, expected: str
) -> None:
    file(tmp_path, path, text)
    assert one(tmp_path, {"name": group, "reader": "files"})["files"] == {path: expected}


def test_links_of_an_image_never_lead_out_of_it(tmp_path: Path) -> None:
    root = tmp_path / "image"
    file(tmp_path, "/secret", "outside")
    file(root, "/run/real", "inside\n")
    (root / "etc").mkdir()
    (root / "etc/os-release").symlink_to("/run/real")
    (root / "proc").mkdir()
    (root / "proc/version").symlink_to("../../../../../../../../secret")
    (root / "proc/cmdline").symlink_to(tmp_path / "secret")
    assert one(root, {"name": "os", "reader": "files"})["files"] == {"/etc/os-release": "inside"}
    assert one(root, {"name": "proc", "reader": "files"})["status"] == "not-present"


def test_a_loop_of_links_is_an_error_and_no_hang(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").symlink_to("os-release")
    file(tmp_path, "/run/systemd/container", "docker\n")
    tree = Tree(str(tmp_path))
    with pytest.raises(OSError, match="symbolic links"):
        tree.resolve("/etc/os-release")


def test_a_fifo_is_never_opened(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    os.mkfifo(tmp_path / "proc/version")
    entry = one(tmp_path, {"name": "proc", "reader": "files", "timeout_s": 30.0})
    assert entry["errors"] == {"/proc/version": "tool-failed: EINVAL"}
    assert entry["status"] == "tool-failed"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone who may not read")
def test_a_file_that_may_not_be_read(open_folder: Path) -> None:
    file(open_folder, "/sys/class/dmi/id/board_serial", "0123\n").chmod(0o400)
    file(open_folder, "/sys/class/dmi/id/board_name", "X12\n")
    entry = one(open_folder, {"name": "dmi", "reader": "files"}, uid=NOBODY)
    assert entry["status"] == "ok"
    assert entry["files"] == {"/sys/class/dmi/id/board_name": "X12"}
    assert entry["errors"] == {"/sys/class/dmi/id/board_serial": "not-permitted"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone who may not read")
def test_nothing_that_may_be_read(open_folder: Path) -> None:
    file(open_folder, "/sys/class/dmi/id/board_serial", "0123\n").chmod(0o400)
    entry = one(open_folder, {"name": "dmi", "reader": "files"}, uid=NOBODY)
    assert entry["status"] == "not-permitted"


def test_a_file_is_cut_at_its_limit(tmp_path: Path) -> None:
    file(tmp_path, "/proc/modules", "x" * 300_000)
    files = one(tmp_path, {"name": "proc", "reader": "files", "max_bytes": 4 << 20})["files"]
    assert len(files["/proc/modules"]) == 256 << 10


def test_a_group_is_cut_at_its_limit(tmp_path: Path) -> None:
    file(tmp_path, "/proc/version", "Linux\n")
    file(tmp_path, "/proc/modules", "x" * 200_000)
    entry = one(tmp_path, {"name": "proc", "reader": "files", "max_bytes": 50_000})
    assert entry["truncated"] is True
    assert entry["files"] == {"/proc/version": "Linux"}


def pci(root: Path, folder: str, vendor: str, class_code: str) -> None:
    where = f"/sys/devices/{folder}"
    file(root, f"{where}/vendor", vendor + "\n")
    file(root, f"{where}/class", class_code + "\n")
    file(root, f"{where}/current_link_width", "16\n")
    (root / where.lstrip("/") / "config").write_bytes(bytes.fromhex("de10 3023"))
    link = root / "sys/bus/pci/devices" / folder.rpartition("/")[2]
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(f"../../../devices/{folder}")


def test_cards_switches_and_every_bridge_above(tmp_path: Path) -> None:
    pci(tmp_path, "pci0000:00/0000:00:01.0", "0x8086", "0x060400")
    pci(tmp_path, "pci0000:00/0000:00:01.0/0000:01:00.0", "0x1000", "0x060400")
    pci(tmp_path, "pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0", "0x10de", "0x030200")
    pci(tmp_path, "pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.1", "0x10de", "0x040300")
    pci(tmp_path, "pci0000:00/0000:00:02.0", "0x8086", "0x030000")
    pci(tmp_path, "pci10000:e0/10000:e0:06.0", "0x10de", "0x068000")
    card = "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0"
    (tmp_path / card.lstrip("/") / "driver").symlink_to("../../../../../bus/pci/drivers/nvidia")
    entry = one(tmp_path, {"name": "sysfs-pci", "reader": "pci"})
    read = sorted(path for path in entry["files"] if path.endswith("/current_link_width"))
    assert read == [
        "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0/current_link_width",
        "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/current_link_width",
        "/sys/devices/pci0000:00/0000:00:01.0/current_link_width",
        "/sys/devices/pci10000:e0/10000:e0:06.0/current_link_width",
    ]
    assert entry["binary"][card + "/config"] == "de103023"
    assert entry["links"][card + "/driver"] == "../../../../../bus/pci/drivers/nvidia"
    assert entry["links"]["/sys/bus/pci/devices/0000:02:00.0"].startswith("../../../devices/")


def test_what_was_read_gives_the_same_again(tmp_path: Path) -> None:
    """Links are kept with the files, so that a tree can be built from an entry alone."""
    pci(tmp_path / "a", "pci0000:00/0000:00:01.0", "0x10de", "0x030200")
    source = {"name": "sysfs-pci", "reader": "pci"}
    first = one(tmp_path / "a", source)
    for path, text in first["files"].items():
        file(tmp_path / "b", path, text + "\n")
    for path, digits in first["binary"].items():
        (tmp_path / "b" / path.lstrip("/")).write_bytes(bytes.fromhex(digits))
    for path, target in first["links"].items():
        file(tmp_path / "b", path).unlink()
        (tmp_path / "b" / path.lstrip("/")).symlink_to(target)
    again = one(tmp_path / "b", source)
    del first["duration_s"], again["duration_s"]
    assert first == again


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("libcuda.so.1", "libcuda.so*", True),
        ("libcuda.so", "libcuda.so*", True),
        ("libcudart.so", "libcuda.so*", False),
        ("torch-2.8.0.dist-info", "torch-*.dist-info", True),
        ("torch-.dist-info", "torch-*.dist-info", True),
        ("torch-dist-info", "torch-*.dist-info", False),
        ("cpuinfo_max_freq", "cpuinfo_*_freq", True),
        ("a_freq", "*_*_freq", False),
        ("aba", "ab*ba", False),
        ("a-b-c-d", "a*b*d", True),
        ("a-c-b", "a*b*c*", False),
        ("anything", "*", True),
    ],
)
def test_patterns(name: str, pattern: str, expected: bool) -> None:
    assert matches(name, pattern) is expected


def test_patterns_take_no_time_for_long_names() -> None:
    started = time.monotonic()
    assert not matches("a" * 200_000, "a*a*a*a*a*a*b")
    assert time.monotonic() - started < 5
