"""The recorded pair of H200 in a guest, as the capture that the probe would have made there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from preflight.capture import NvmlCall, NvmlDevice, Source
from tests.understand.build import Builder, command, files

_ERRORS = {
    "Not Supported": "NOT_SUPPORTED",
    "Function Not Found": "FUNCTION_NOT_FOUND",
    "Invalid Argument": "INVALID_ARGUMENT",
    "Unknown Error": "UNKNOWN",
    "System is not in ready state": "NOT_READY",
}


def recorded(folder: Path) -> Builder:
    """`folder` is h200x2/idle or h200x2/loaded of the recordings."""

    def text(name: str) -> str:
        return (folder / f"{name}.txt").read_text()

    return Builder(
        {
            "smi-q": command((folder / "q.xml").read_text(), duration_s=0.41),
            "smi-topo": command(text("topo-m")),
            "smi-p2p-r": command(text("topo-p2p-r")),
            "smi-p2p-w": command(text("topo-p2p-w")),
            "dmesg": command(text("dmesg")),
            "lscpu": command(text("lscpu")),
            "proc-nvidia": files(_sections(text("proc-driver"))),
            "sysfs-pci": files(_sysfs(text("sysfs-pci"))),
            "os": files({"/etc/os-release": text("os-release").rstrip("\n")}),
            "proc": files({"/proc/meminfo": text("meminfo").rstrip("\n")}),
            "nvml": _nvml(json.loads((folder / "nvml.json").read_text())),
        }
    )


def _sections(text: str) -> dict[str, str]:
    """ "## PATH" lines with what stands below each."""
    parts = (part.partition("\n") for part in text.split("## ")[1:])
    return {path.strip(): body.rstrip("\n") for path, _, body in parts}


def _sysfs(text: str) -> dict[str, str]:
    found = {}
    for folder, body in _sections(text).items():
        for line in body.splitlines():
            name, _, value = line.rstrip(";").partition(": ")
            if "No such file" not in value:
                found[f"{folder}/{name}"] = value
    return found


def _nvml(told: dict[str, Any]) -> Source:
    system = {
        "nvmlSystemGetDriverVersion": NvmlCall(told["driver"]),
        "nvmlSystemGetNVMLVersion": NvmlCall(told["nvml"]),
        "nvmlSystemGetCudaDriverVersion_v2": NvmlCall(told["cuda"]),
        "nvmlDeviceGetCount": NvmlCall(len(told["gpus"])),
    }
    for pair in told["pairs"]:
        names = f"{pair['a']},{pair['b']}"
        system[f"nvmlDeviceGetTopologyCommonAncestor({names})"] = NvmlCall(pair["common"])
        system[f"nvmlDeviceGetP2PStatus({names},READ)"] = NvmlCall(pair["p2p0"])
        system[f"nvmlDeviceGetP2PStatus({names},WRITE)"] = NvmlCall(pair["p2p1"])
    devices = [NvmlDevice(i, calls=_calls(gpu)) for i, gpu in enumerate(told["gpus"])]
    return Source("ok", system=system, devices=devices)


def _calls(gpu: dict[str, Any]) -> dict[str, NvmlCall]:
    return {f"nvmlDeviceGet{name}": _call(value) for name, value in gpu.items()}


def _call(value: Any) -> NvmlCall:
    if isinstance(value, str) and value.startswith("!"):
        return NvmlCall(error=_ERRORS[value[1:]])
    return NvmlCall(value)
