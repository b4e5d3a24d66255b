"""Captures made by hand: each source in one line, as the probe would have written it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from preflight.capture import SCHEMA, Capture, NvmlCall, NvmlDevice, ProbeRun, Source

PCI = "/sys/devices/pci0000:40/0000:40:01.1/0000:41:00.0"


def command(stdout: str = "", stderr: str = "", exit_code: int = 0, **more: Any) -> Source:
    status = "ok" if exit_code == 0 else "tool-failed"
    told = {"status": status, "duration_s": 0.5} | more
    return Source(stdout=stdout, stderr=stderr, exit_code=exit_code, **told)


def files(listed: Mapping[str, str], **more: Any) -> Source:
    return Source(**({"status": "ok", "files": dict(listed)} | more))


def nvml(*devices: NvmlDevice, **more: Any) -> Source:
    system = {"nvmlDeviceGetCount": NvmlCall(len(devices))} | more.pop("system", {})
    return Source(**({"status": "ok", "devices": list(devices), "system": system} | more))


def device(index: int, pci: str, **calls: Any) -> NvmlDevice:
    """Calls by their name after nvmlDeviceGet; "!NAME" is NVML's error of that name."""
    calls = {"PciInfo_v3": {"busId": f"0000{pci}".upper()}, "Name": "NVIDIA H200"} | calls
    return NvmlDevice(index, calls={f"nvmlDeviceGet{k}": call(v) for k, v in calls.items()})


def call(value: Any) -> NvmlCall:
    if isinstance(value, str) and value.startswith("!"):
        return NvmlCall(error=value[1:])
    return NvmlCall(value)


def pci_device(path: str, **named: str) -> dict[str, str]:
    """Files of one device's folder in sysfs; an H200 unless told otherwise."""
    told = {"class": "0x030200", "vendor": "0x10de", "device": "0x2335"} | named
    return {f"{path}/{name}": content for name, content in told.items()}


def bridge(path: str, **named: str) -> dict[str, str]:
    return pci_device(
        path, **({"class": "0x060400", "vendor": "0x1022", "device": "0x1483"} | named)
    )


@dataclass
class Builder:
    """A capture under construction: sources by name."""

    sources: dict[str, Source] = field(default_factory=dict)
    user: str = "root"

    def capture(self, **changed: Source | None) -> Capture:
        """With sources replaced (`smi_q=…` is "smi-q"), or left out where None."""
        named = {name.replace("_", "-"): source for name, source in changed.items()}
        sources = {n: s for n, s in (self.sources | named).items() if s is not None}
        run = ProbeRun(version="0", python="3.12", user=self.user, uid=0)
        return Capture(SCHEMA, "look", "2026-11-24T00:00:00Z", "2026-11-24T00:00:05Z", run, sources)


def with_status(source: Source, status: str, detail: str = "") -> Source:
    """The source as it is when it gave nothing, for this reason."""
    empty = Source(status, detail=detail, duration_s=source.duration_s, argv=source.argv)
    return msgspec.structs.replace(empty, exit_code=1 if status == "tool-failed" else None)


ROOTS = "/sys/devices/pci0000:40/0000:40:01.1", "/sys/devices/pci0000:60/0000:60:01.1"
CARDS = f"{ROOTS[0]}/0000:41:00.0", f"{ROOTS[1]}/0000:61:00.0"
ADDRESSES = "0000:41:00.0", "0000:61:00.0"
LINK = {
    "current_link_speed": "2.5 GT/s PCIe",
    "max_link_speed": "16.0 GT/s PCIe",
    "current_link_width": "16",
    "max_link_width": "16",
}
RTX4090 = {"class": "0x030000", "device": "0x2684", **LINK}
QUIET = (
    "[    0.000000] Linux version 6.8.0-45-generic (buildd@host) #45-Ubuntu SMP\n"
    "[    1.000000] pci 0000:41:00.0: [10de:2684] type 00 class 0x030000\n"
)


def bare(**calls: Any) -> Builder:
    """Two RTX 4090 on root ports of their own, on a bare machine; `calls` are NVML's of both."""
    names = {"Name": "NVIDIA GeForce RTX 4090"} | calls
    tree: dict[str, str] = {}
    for root, card in zip(ROOTS, CARDS, strict=True):
        tree |= bridge(root, **LINK) | pci_device(card, **RTX4090)
    return Builder(
        {
            "sysfs-pci": files(tree),
            "nvml": nvml(*(device(i, pci, **names) for i, pci in enumerate(ADDRESSES))),
            "dmesg": command(QUIET),
            "lscpu": command("Model name: AMD Ryzen\nFlags: fpu vme\n"),
            "detect-virt": command("none\n", exit_code=1),
        }
    )


def changed(source: Source, path: str, text: str | None) -> Source:
    """The source with one file replaced, or taken away where None."""
    kept = {name: content for name, content in source.files.items() if name != path}
    return msgspec.structs.replace(source, files=kept | ({path: text} if text is not None else {}))
