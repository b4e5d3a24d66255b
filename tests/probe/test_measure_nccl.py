"""NCCL's all-reduce with one process a card; libcuda and libnccl are stand-ins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from preflight.probe.measure_nccl import choose
from tests.probe.conftest import built

CARDS = ("0000:01:00.0", "0000:02:00.0", "0000:03:00.0")
DRIVE = """
import json, sys
from preflight.probe import measure_nccl
from preflight.probe.record import Record

measure_nccl.SILENT_S = float(sys.argv.pop(1))
record = Record(lambda words: None, lambda *keys_and_value: print(json.dumps(keys_and_value[-1])))
measure_nccl.nccl_allreduce(sys.argv[2:], [sys.argv[1]], record)
"""
ROOM_MIB = 516  # of memory: what is above the margin makes 1 MiB the largest sum


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nccl")
    return built("nccl_stand_in.c", "libnccl.so.2", folder) / "libnccl.so.2"


def start(
    cuda_folder: Path, library: Path, fault: str = "", silent_s: float = 600
) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(cuda_folder),
        "STAND_IN_CARDS": ",".join(CARDS),
        "STAND_IN_MIB": str(ROOM_MIB),
        "STAND_IN_NCCL": fault,
        "STAND_IN_FOLDER": str(library.parent),
        "NCCL_ALGO": "Tree",  # the user's own: it must not change what is measured
    }
    return subprocess.Popen(
        [sys.executable, "-c", DRIVE, str(silent_s), str(library), *CARDS],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def entries(
    cuda_folder: Path, library: Path, fault: str = "", silent_s: float = 600
) -> dict[str, dict[str, Any]]:
    with start(cuda_folder, library, fault, silent_s) as running:
        printed, _ = running.communicate()
    assert running.returncode == 0
    return {entry["name"]: entry for entry in map(json.loads, printed.splitlines())}


def test_both_ways_with_their_rows(cuda_folder: Path, library: Path) -> None:
    found = entries(cuda_folder, library)
    assert list(found) == ["nccl-allreduce", "nccl-allreduce-no-p2p"]
    for entry in found.values():
        values = entry["values"]
        assert (entry["status"], values["wrong"], values["version"]) == ("ok", 0, "2.28.3")
        assert [row["bytes"] for row in values["rows"]] == [8, 4 << 10, 128 << 10, 1 << 20]
        assert all(len(row["us"]) == 5 for row in values["rows"])
        assert entry["cards"] == list(CARDS)
        assert "sizes" not in values
        assert "rank 0" in values["log"]
        assert "rank 1" not in values["log"]
    assert all("RAS_ENABLE=0" in entry["values"]["log"] for entry in found.values())
    assert "P2P_DISABLE=0 NVLS_ENABLE=0" in found["nccl-allreduce"]["values"]["log"]
    assert "P2P_DISABLE=1 NVLS_ENABLE=0" in found["nccl-allreduce-no-p2p"]["values"]["log"]


@pytest.mark.parametrize(
    ("fault", "status", "detail"),
    [
        ("init:1", "failed", "rank 1: ncclCommInitRank: unhandled system error (2)"),
        ("hang:2", "timed-out", "no word for 1 s"),
        ("wrong:1", "wrong-data", "1 words are not the sum, rank 1, 8 bytes"),
        ("die:1", "failed", "rank 1 ended with 3"),
        (
            "wrong:1,die:2",
            "wrong-data",
            "1 words are not the sum, rank 1, 8 bytes; then rank 2 ended with 3",
        ),
    ],
)
def test_a_rank_that_fails(
    cuda_folder: Path, library: Path, fault: str, status: str, detail: str
) -> None:
    silent_s = 1 if status == "timed-out" else 600
    for entry in entries(cuda_folder, library, fault, silent_s).values():
        assert (entry["status"], entry["detail"]) == (status, detail)


def test_no_process_outlives_the_one_that_measures(cuda_folder: Path, library: Path) -> None:
    with start(cuda_folder, library, "hang:2") as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        while len(ranks := children.read_text().split()) < len(CARDS):
            assert running.poll() is None
        running.kill()
    while any(is_running(pid) for pid in ranks):
        time.sleep(0.01)


def is_running(pid: str) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_no_library_is_told(tmp_path: Path) -> None:
    assert choose([str(tmp_path / "libnccl.so.2")]) == ("", "no libnccl.so was found")


def test_a_library_that_others_may_write_to_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "libnccl.so.2"
    path.write_bytes(b"")
    path.chmod(0o666)
    assert choose([str(path)]) == ("", f"{path}: others may write to it, it is not loaded")


def test_the_library_of_a_python_package_comes_first(tmp_path: Path) -> None:
    paths = []
    for folder in ("lib", "lib/python3/site-packages/nvidia/nccl/lib"):
        (tmp_path / folder).mkdir(parents=True)
        paths.append(tmp_path / folder / "libnccl.so.2")
        paths[-1].write_bytes(b"")
        paths[-1].chmod(0o644)
    assert choose([str(path) for path in paths]) == (str(paths[1]), "")
