"""One recorded output alone, as a host that tells nothing else: no alarm but those that are true.

ALARMS holds what each recording shows, read by hand; nothing else may warn or fail on it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight import capture as captures
from preflight.capture import Capture, ProbeRun, Source
from preflight.judging import judge_capture
from preflight.policy import load as load_policy

TOOLS = {
    "smi": ("smi-q", ["nvidia-smi", "-q", "-x"]),
    "topo": ("smi-topo", ["nvidia-smi", "topo", "-m"]),
    "p2p": ("smi-p2p-r", ["nvidia-smi", "topo", "-p2p", "r"]),
    "lspci": ("lspci", ["lspci", "-Dnnvvv"]),
    "kernel": ("dmesg", ["dmesg"]),
    "ipmi-sdr": ("ipmi-sdr", ["ipmitool", "sdr", "elist"]),
}
OLD, OFF, SMALL_BAR = "warn driver-version", "warn persistence-mode", "warn bar1-size"
NEW, HALF = "warn name-vs-device-id", "warn pcie-link-width"  # not catalogued; 8 of 16 lanes
USED, MIG, REFUSED = "fail gpu-in-use", "fail mig-mode", "fail driver-responds"
QUERY, LOG = "fail gpu-query-errors", "fail kernel-faults"
ALARMS = {
    "smi/a100-sxm4-80g-mig4-535.xml": {OLD, MIG, OFF},
    "smi/a100-unknown-error-derived.xml": {OLD, MIG, OFF, QUERY},
    "smi/a10g-hot-and-remapping-derived.xml": {
        OLD, NEW, HALF, OFF,
        "fail ecc-uncorrectable", "fail row-remap", "fail throttle-thermal",
    },
    "smi/bad-truncated.xml": set(),  # not understood: that is no refusal, and unknown
    "smi/bad-wrong-kind-json.xml": set(),
    "smi/driver-mismatch.txt": {REFUSED},
    "smi/gtx1660ti-418.xml": {SMALL_BAR, OLD, NEW, OFF},
    "smi/h100-q-text-590-load.txt": {USED},
    "smi/h200-mig-q-text-590.txt": {MIG},
    "smi/l40s-q-text-595.txt": {USED, OFF},  # at 100 % and 183 W, by nobody that is shown
    "smi/quadro-p2000-525.xml": {SMALL_BAR, OLD, NEW, HALF},
    "smi/rtx2080-windows-516.xml": {SMALL_BAR, OLD, USED, NEW, HALF},
    "smi/rtx3060-570.xml": {SMALL_BAR, OLD, NEW},
    "smi/rtx3090-passthrough-vm-525.xml": {OLD, "warn power-limit"},  # 200 of 350 W
    "smi/rtx4000-sff-ada-595.xml": {"warn gpu-in-use", NEW},  # a desktop
    "smi/t4-gpu-is-lost-derived.xml": {SMALL_BAR, OLD, USED, QUERY, OFF},
    "smi/windows-utf16.xml": {SMALL_BAR, OLD},
    "lspci/domain-and-numeric-ids.txt": {HALF},
    "lspci/rtx3090-rev-ff.txt": {"fail gpu-reachable"},
    "kernel/azure-domain-xid31-48.txt": {LOG},
    "kernel/b200-xid145-137-masked.txt": {"warn kernel-faults"},
    "kernel/gb200-xid149-154.txt": {LOG},
    "kernel/h100-xid13-109.txt": {"warn kernel-faults"},
    "kernel/mig-94-95-nvlink-74.txt": {LOG},
    "kernel/nvswitch-sxid-20034-xid79.txt": {LOG, "fail sxid"},
    "kernel/rtx2080-xid79-then-aer.txt": {LOG},
    "kernel/rtx5080-xid109-no-errorstring.txt": {LOG},
    "kernel/rtxpro6000-xid62-120-154.txt": {LOG},
    "ipmi-sdr/dell-r510-elist-all.txt": {"warn chassis-inlet"},  # 29 °C
    "ipmi-sdr/psu-ac-lost-supermicro.txt": {"fail psu-redundancy"},
}  # fmt: skip


def alone(tool: str, text: str) -> Capture:
    name, argv = TOOLS[tool]
    return Capture(
        schema="gpu-preflight/capture/1",
        level="look",
        started="2026-11-16T13:58:27.000Z",
        finished="2026-11-16T13:58:28.000Z",
        complete=True,
        probe=ProbeRun(version="0", python="3.12", user="root"),
        sources={name: Source(status="ok", argv=argv, exit_code=0, stdout=text, duration_s=0.1)},
    )


def text_of(path: Path) -> str:
    data = path.read_bytes()
    is_wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    return data.decode("utf-16" if is_wide else "utf-8", "replace")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_recording_raises_its_own_alarms_and_no_others(corpus: Path, tool: str) -> None:
    recordings = sorted((corpus / "captures" / "public" / tool).glob("*.[tx][xm][tl]"))
    assert recordings
    for path in recordings:
        capture = alone(tool, text_of(path))
        report = judge_capture(capture, captures.encode(capture), load_policy("default"))
        told = {f"{f.status} {f.id}" for f in report.findings if f.status in ("warn", "fail")}
        assert told == ALARMS.get(f"{tool}/{path.name}", set()), path.name
