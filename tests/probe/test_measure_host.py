"""The host in between: real files and real memory of the machine that the tests run on."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from preflight.probe import measure_host
from preflight.probe.numa import cpu_list, places
from preflight.probe.record import Record
from preflight.probe.tree import Tree
from tests.probe.machine import file


def disk_read(*, may_write: bool = False) -> dict[str, Any]:
    """What the disk's entry says."""
    kept: list[dict[str, Any]] = []
    record = Record(lambda words: None, lambda *keys_and_value: kept.append(keys_and_value[-1]))
    measure_host.disk_read(may_write, record)
    return kept[0]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for models, in which 32 MiB is a large file."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr(measure_host, "MODEL_FOLDERS", (str(tmp_path / "none"), str(folder)))
    monkeypatch.setattr(measure_host, "MIN_FILE_BYTES", 32 << 20)
    monkeypatch.setattr(measure_host, "TEMPORARY_BYTES", 64 << 20)
    return folder


def test_the_largest_file_is_read_directly(models: Path) -> None:
    (models / "deep/er").mkdir(parents=True)
    large = models / "deep/er/model-2.safetensors"
    for path, mib in ((models / "model-1.safetensors", 32), (large, 48), (models / "small", 1)):
        path.write_bytes(os.urandom(1 << 20) * mib)
    entry = disk_read()
    if entry["status"] == "not-supported":
        pytest.skip(f"no direct reading here: {entry['detail']}")
    assert entry["values"] == {
        "path": str(large),
        "bytes": 48 << 20,
        "size_bytes": 48 << 20,
        "temporary": False,
    }
    assert all(sample > 0 for sample in entry["samples"])


def test_links_are_not_followed(models: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(bytes(40 << 20))
    (models / "link").symlink_to(tmp_path / "elsewhere")
    (models / "folder").symlink_to(tmp_path)
    assert disk_read()["status"] == "skipped"


def test_nothing_is_written_unless_asked_for(models: Path) -> None:
    assert disk_read()["status"] == "skipped"
    assert list(models.iterdir()) == []


def test_a_temporary_file_has_no_name(models: Path) -> None:
    entry = disk_read(may_write=True)
    if entry["status"] == "not-supported":
        pytest.skip(f"no file without a name here: {entry['detail']}")
    assert entry["values"]["temporary"] is True
    assert entry["values"]["size_bytes"] == 64 << 20
    assert list(models.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "status"), [(errno.EINVAL, "not-supported"), (errno.EIO, "failed")]
)
def test_a_disk_that_refuses(
    models: Path, monkeypatch: pytest.MonkeyPatch, number: int, status: str
) -> None:
    (models / "large").write_bytes(bytes(33 << 20))

    def refuse(path: str) -> int:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(measure_host, "direct", refuse)
    assert disk_read()["status"] == status


def test_an_error_in_mid_file_is_the_disks(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes in one of the readers' threads."""
    (models / "large").write_bytes(bytes(33 << 20))

    def fail(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        if offset < 16 << 20:
            return len(buffers[0])
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(measure_host, "direct", lambda path: os.open(path, os.O_RDONLY))
    monkeypatch.setattr(os, "preadv", fail)
    entry = disk_read()
    assert (entry["status"], entry["detail"]) == ("failed", "[Errno 5] Input/output error")
    assert "samples" not in entry


@pytest.mark.parametrize(("share", "status"), [(2, "ok"), (0, "failed")])
def test_only_what_came_is_counted(
    models: Path, monkeypatch: pytest.MonkeyPatch, share: int, status: str
) -> None:
    (models / "large").write_bytes(bytes(32 << 20))
    real = os.preadv

    def shortened(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        return real(descriptor, [buffers[0][: len(buffers[0]) // share]], offset) if share else 0

    monkeypatch.setattr(measure_host, "direct", lambda path: os.open(path, os.O_RDONLY))
    monkeypatch.setattr(os, "preadv", shortened)
    entry = disk_read()
    assert entry["status"] == status
    if status == "ok":
        assert entry["values"]["bytes"] == 16 << 20


def test_every_node_copies_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure_host, "COPY_BYTES", 1 << 20)
    monkeypatch.setattr(measure_host, "COPY_S", 0.0)
    kept: list[dict[str, Any]] = []
    allowed = os.sched_getaffinity(0)
    measure_host.cpu_copies(Tree("/"), Record(lambda words: None, lambda *e: kept.append(e[-1])))
    os.sched_setaffinity(0, allowed)
    assert kept
    assert all(entry["status"] == "ok" and min(entry["samples"]) > 0 for entry in kept)


@pytest.mark.parametrize(
    ("text", "cpus"), [("0-3,8\n", [0, 1, 2, 3, 8]), ("5", [5]), ("", []), ("\n", [])]
)
def test_lists_of_processors(text: str, cpus: list[int]) -> None:
    assert cpu_list(text) == cpus


def three_nodes(root: Path, card_on: str) -> Tree:
    for node, distance in ((0, "10 21 12"), (1, "21 10 32"), (2, "12 32 10")):
        file(root, f"/sys/devices/system/node/node{node}/cpulist", "0\n")
        file(root, f"/sys/devices/system/node/node{node}/distance", distance + "\n")
    file(root, "/sys/bus/pci/devices/0000:01:00.0/numa_node", card_on + "\n")
    return Tree(str(root))


@pytest.mark.parametrize(("card_on", "near", "far"), [("0", 0, 1), ("1", 1, 2), ("-1", None, None)])
def test_the_near_and_the_far_node(
    tmp_path: Path, card_on: str, near: int | None, far: int | None
) -> None:
    mine, other = places(three_nodes(tmp_path, card_on), "0000:01:00.0")
    assert mine.node == near
    assert (other.node if other else None) == far
