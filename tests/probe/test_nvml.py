"""NVML against a real library: values, errors by name, lost cards, and calls that never return."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pynvml
import pytest

from preflight.probe import nvml_calls
from tests.probe.machine import REPOSITORY, file, one

STALL = {"name": "nvml", "reader": "nvml", "timeout_s": 30.0, "max_bytes": 4 << 20}


def read(root: Path, library: Path, stall_s: float = 20.0, **environment: str) -> dict[str, Any]:
    env = {"LD_LIBRARY_PATH": str(library), **environment}
    return one(root, {**STALL, "stall_s": stall_s}, env=env)


def test_values_and_errors(tmp_path: Path, nvml_folder: Path) -> None:
    file(tmp_path, "/proc/4242/comm", "vllm\n")
    file(tmp_path, "/proc/4242/cgroup", "0::/system.slice/vllm.service\n")
    entry = read(tmp_path, nvml_folder)
    assert entry["status"] == "ok"
    assert entry["system"]["nvmlSystemGetDriverVersion"] == {"value": "570.00"}
    assert entry["system"]["nvmlDeviceGetCount"] == {"value": 3}
    assert [device["index"] for device in entry["devices"]] == [0, 1, 2]
    calls = entry["devices"][0]["calls"]
    assert calls["nvmlDeviceGetName"] == {"value": "Card 0 \ufffd"}
    assert calls["nvmlDeviceGetSerial"] == {"error": "NOT_SUPPORTED"}
    assert calls["nvmlDeviceGetUUID"] == {"error": "FUNCTION_NOT_FOUND"}
    assert calls["nvmlDeviceGetPciInfo_v3"]["value"]["busId"] == "00000000:01:00.0"
    assert calls["nvmlDeviceGetMemoryInfo_v2"]["value"]["total"] == 80 << 30
    assert calls["nvmlDeviceGetRemappedRows"] == {"value": [1, 2, 0, 1]}
    assert calls["nvmlDeviceGetTemperatureThreshold(SLOWDOWN)"] == {"value": 91}
    assert calls["nvmlDeviceGetFieldValues(MEMORY_TEMP)"] == {"value": 37}
    assert calls["nvmlDeviceGetFieldValues(TEMPERATURE_SHUTDOWN_TLIMIT)"] == {"value": -8}
    assert calls["nvmlDeviceGetFieldValues(POWER_INSTANT)"] == {"error": "NOT_SUPPORTED"}
    assert entry["processes"] == {
        "4242": {"comm": "vllm", "cgroup": "0::/system.slice/vllm.service", "stat": ""}
    }


def test_links_of_cards_that_have_some(tmp_path: Path, nvml_folder: Path) -> None:
    first, second, _ = read(tmp_path, nvml_folder)["devices"]
    states = [name for name in first["calls"] if name.startswith("nvmlDeviceGetNvLinkState")]
    assert states == ["nvmlDeviceGetNvLinkState(0)", "nvmlDeviceGetNvLinkState(1)"]
    assert "nvmlDeviceGetNvLinkErrorCounter(1,DL_REPLAY)" in first["calls"]
    assert second["calls"]["nvmlDeviceGetNvLinkState(0)"] == {"error": "NOT_SUPPORTED"}
    assert "nvmlDeviceGetNvLinkState(1)" not in second["calls"]


def test_pairs_are_directed_and_named(tmp_path: Path, nvml_folder: Path) -> None:
    system = read(tmp_path, nvml_folder)["system"]
    assert system["nvmlDeviceGetP2PStatus(2,1,WRITE)"] == {"value": 211}
    assert system["nvmlDeviceGetTopologyCommonAncestor(0,2)"] == {"value": 30}
    assert "nvmlDeviceGetTopologyCommonAncestor(2,0)" not in system
    assert sum(name.startswith("nvmlDeviceGetP2PStatus") for name in system) == 6 * 5


def test_a_lost_card_leaves_the_others_alone(tmp_path: Path, nvml_folder: Path) -> None:
    entry = read(tmp_path, nvml_folder, STAND_IN_LOST="1")
    assert entry["status"] == "ok"
    assert entry["devices"][1] == {"index": 1, "handle_error": "GPU_IS_LOST"}
    assert entry["devices"][2]["calls"]["nvmlDeviceGetName"] == {"value": "Card 2 \ufffd"}
    assert "nvmlDeviceGetP2PStatus(0,2,READ)" in entry["system"]
    assert "nvmlDeviceGetP2PStatus(0,1,READ)" not in entry["system"]


def test_a_hanging_card_is_named_and_the_others_are_read(tmp_path: Path, nvml_folder: Path) -> None:
    file(tmp_path, "/proc/4242/comm", "vllm\n")
    entry = read(tmp_path, nvml_folder, stall_s=1.0, STAND_IN_HANG="1")
    assert (entry["status"], entry["detail"]) == ("timed-out", "gpu 1: nvmlDeviceGetSerial")
    assert "nvmlDeviceGetName" in entry["devices"][1]["calls"]
    assert "nvmlDeviceGetSerial" not in entry["devices"][1]["calls"]
    assert entry["devices"][0]["calls"].keys() > entry["devices"][1]["calls"].keys()
    assert entry["devices"][2]["calls"]["nvmlDeviceGetRemappedRows"] == {"value": [1, 2, 0, 1]}
    assert entry["processes"]["4242"]["comm"] == "vllm"
    assert "nvmlDeviceGetP2PStatus(0,2,READ)" in entry["system"]


def test_each_card_that_hangs_is_tried_once(tmp_path: Path, nvml_folder: Path) -> None:
    entry = read(tmp_path, nvml_folder, stall_s=1.0, STAND_IN_HANG="handle")
    assert entry["detail"] == "gpu 1: nvmlDeviceGetHandleByIndex; gpu 2: nvmlDeviceGetSerial"
    assert [device["index"] for device in entry["devices"]] == [0, 2]
    assert entry["duration_s"] < 20


def test_a_hang_while_starting_is_named(tmp_path: Path, nvml_folder: Path) -> None:
    source = {**STALL, "timeout_s": 1.0, "stall_s": 0.5}
    env = {"LD_LIBRARY_PATH": str(nvml_folder), "STAND_IN_HANG": "init"}
    entry = one(tmp_path, source, env=env)
    assert (entry["status"], entry["detail"]) == ("timed-out", "nvmlInit")


@pytest.mark.parametrize(
    ("code", "name"),
    [("9", "DRIVER_NOT_LOADED"), ("18", "LIB_RM_VERSION_MISMATCH"), ("77", "CODE_77")],
)
def test_a_refused_start(tmp_path: Path, nvml_folder: Path, code: str, name: str) -> None:
    entry = read(tmp_path, nvml_folder, STAND_IN_INIT=code)
    assert (entry["status"], entry["detail"]) == ("tool-failed", name)
    assert "devices" not in entry


def test_no_library(tmp_path: Path) -> None:
    entry = read(tmp_path, tmp_path)
    assert entry["status"] == "tool-absent"
    assert "libnvidia-ml.so.1" in entry["detail"]


def test_a_library_that_cannot_be_loaded_has_failed(tmp_path: Path) -> None:
    file(tmp_path, "libnvidia-ml.so.1", "this is no library")
    entry = read(tmp_path, tmp_path)
    assert entry["status"] == "tool-failed"
    assert "libnvidia-ml.so.1" in entry["detail"]


@pytest.mark.parametrize(
    ("table", "prefix"),
    [
        (nvml_calls.ECC_TYPE, "NVML_MEMORY_ERROR_TYPE_"),
        (nvml_calls.ECC_LOCATION, "NVML_MEMORY_LOCATION_"),
        (nvml_calls.THRESHOLD, "NVML_TEMPERATURE_THRESHOLD_"),
        (nvml_calls.SENSOR, "NVML_TEMPERATURE_"),
        (nvml_calls.CLOCK, "NVML_CLOCK_"),
        (nvml_calls.RETIREMENT, "NVML_PAGE_RETIREMENT_CAUSE_"),
        (nvml_calls.LINK_ERROR, "NVML_NVLINK_ERROR_"),
        (nvml_calls.FIELD, "NVML_FI_DEV_"),
        (nvml_calls.P2P_CAPS, "NVML_P2P_CAPS_INDEX_"),
    ],
)
def test_constants_are_those_of_the_binding(table: dict[str, int], prefix: str) -> None:
    # the binding says READ = (0,) by a stray comma
    theirs = {word: getattr(pynvml, prefix + word) for word in table}
    assert {word: v[0] if isinstance(v, tuple) else v for word, v in theirs.items()} == table


def test_ecc_counters_are_those_of_the_binding() -> None:
    theirs = (pynvml.NVML_VOLATILE_ECC, pynvml.NVML_AGGREGATE_ECC)
    assert tuple(nvml_calls.ECC_COUNTER.values()) == theirs


def test_only_getters_are_called() -> None:
    named = {*nvml_calls.DEVICE, *nvml_calls.SYSTEM, *nvml_calls.DEVICE_BY_CONSTANT}
    assert all(name.startswith(("nvmlDeviceGet", "nvmlSystemGet")) for name in named)
    built = [sys.executable, "-c", "import pynvml; print(*vars(pynvml))"]
    env = {"PYTHONPATH": str(REPOSITORY / "preflight/probe.pyz")}
    kept = subprocess.run(built, env=env, capture_output=True, text=True, check=True).stdout.split()
    functions = [name for name in kept if name.startswith("nvml") and name[4:5].isupper()]
    changing = ("Set", "Reset", "Clear", "Create", "Destroy", "Remove", "Modify", "Freeze", "Power")
    assert "nvmlDeviceGetName" in functions
    assert not [n for n in functions if any(f"Device{word}" in n for word in changing)]
