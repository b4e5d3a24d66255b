"""What a person would tell the playbooks of a host like the lab's: a CPU, a tiny model, wheels."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .play import ROOT

MODEL = "/srv/models/tiny"
NAME = "tiny"
PORT = 8443
HELD = 20_000 << 20  # bytes of a card's memory that a server holds
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "TORCHDYNAMO_DISABLE": "1",  # else TP>1 compiles a helper at the first completion
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # one process less where one card serves
}
SETTINGS = {"dtype": "float32", "kv_cache_memory_bytes": "16M"}
EAGER = {"enforce_eager": True}
# Pipeline parallel with enforce_eager gets ready and dies at the first completion, on a CPU: the
# buffer between the stages is made by the warm-up, which is left out then.
WARMED_UP = {"compilation_config": {"mode": 1, "backend": "eager"}}


def told(evidence: Path, **more: Any) -> dict[str, Any]:
    """Variables for one model, `tiny`, in any layout."""
    common = {
        "vllm_wheel_dir": "/srv/wheels",
        "vllm_service_env": ENVIRONMENT,
        "vllm_service_config": SETTINGS,
        "layout_model": MODEL,
        "layout_name": NAME,
        "layout_settings": {"max_model_len": 256, "config": EAGER},
        "preflight_evidence": str(evidence),
    }
    return common | more


def evidence(machine: str, folder: Path, holders: dict[int, str] | None = None) -> Path:
    """The golden machine's capture as if taken now: the gate wants it younger than a day.

    Each of `holders`, process id and control group, holds most of one card.
    """
    capture = json.loads((ROOT / "tests/hosts" / machine / "capture.json").read_text())
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for times in (capture, capture["controller"]):
        times.update(started=moment, finished=moment)
    if holders:
        _hold(capture["sources"]["nvml"], holders)
    path = folder / f"{machine}{'-in-use' if holders else ''}.json"
    path.write_text(json.dumps(capture))
    return path


def _hold(nvml: dict[str, Any], holders: dict[int, str]) -> None:
    """As NVML tells of processes on cards, and the probe of their control groups."""
    nvml["processes"] = {
        str(pid): {"comm": "VLLM::Worker", "cgroup": group, "stat": ""}
        for pid, group in holders.items()
    }
    for device, pid in zip(nvml["devices"], holders, strict=True):
        calls = device["calls"]
        held = {"pid": pid, "usedGpuMemory": HELD}
        calls["nvmlDeviceGetComputeRunningProcesses_v3"] = {"value": [held]}
        calls["nvmlDeviceGetMemoryInfo_v2"]["value"]["used"] += HELD
