"""NVLinks, their errors, and the NVSwitch fabric."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.capture import Source
from preflight.facts import (
    Fabric,
    FabricCard,
    Gpu,
    Host,
    Missing,
    NotApplicable,
    NvLink,
    SwitchError,
)
from preflight.understand import understand
from tests.understand.build import CARDS, QUIET, bare, command, files, pci_device

OFF = "!NOT_SUPPORTED"
H100 = files(pci_device(CARDS[0], device="0x2330") | pci_device(CARDS[1], device="0x2330"))
RTX3090 = files(pci_device(CARDS[0], device="0x2204"))
SWITCH = pci_device(
    "/sys/devices/pci0000:80/0000:80:01.1/0000:85:00.0", device="0x22a3", **{"class": "0x068000"}
)
LISTING = (
    "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-a)\n\t Link 0: 26.562 GB/s\n\t Link 1: <inactive>\n"
    "GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-b)\n\t Link 0: 26.562 GB/s\n\t Link 1: 26.562 GB/s\n"
)
ERRORS = (
    "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-a)\n\t Link 0: Replay Errors: 3\n"
    "\t Link 0: Recovery Errors: 0\n\t Link 0: CRC Errors: 1\n\n\t Link 1: Replay Errors: 4\n"
)


def card(tree: Source = H100, sources: dict[str, Source] | None = None, **calls: Any) -> Gpu:
    found = understand(bare(**calls).capture(sysfs_pci=tree, **(sources or {}))).gpus
    assert isinstance(found, tuple)
    return found[0]


def host(tree: Source = H100, sources: dict[str, Source] | None = None, **calls: Any) -> Host:
    return understand(bare(**calls).capture(sysfs_pci=tree, **(sources or {}))).host


def test_links_by_their_state() -> None:
    gpu = card(**{"NvLinkState(0)": 1, "NvLinkState(1)": 0, "NvLinkState(10)": 1})
    assert gpu.nvlink == NvLink((0, 10), (1,))


def test_a_product_with_links_of_which_the_driver_offers_none() -> None:
    assert card(**{"NvLinkState(0)": OFF}).nvlink == NvLink((), ())


@pytest.mark.parametrize("error", ["UNKNOWN", "GPU_IS_LOST"])
def test_an_error_is_not_the_absence_of_links(error: str) -> None:
    assert isinstance(card(**{"NvLinkState(0)": f"!{error}"}).nvlink, Missing)


def test_a_product_without_links() -> None:
    gpu = understand(bare().capture()).gpus[0]  # type: ignore[index]
    assert isinstance(gpu.nvlink, NotApplicable)
    assert isinstance(gpu.nvlink_errors, NotApplicable)


def test_nvidia_smi_tells_where_nvml_does_not() -> None:
    told = {"smi_nvlink_s": command(LISTING), "smi_nvlink_e": command(ERRORS)}
    gpu = card(sources=told)
    assert gpu.nvlink == NvLink((0,), (1,))
    assert gpu.nvlink_errors == {"replay": 7, "recovery": 0, "crc": 1}
    assert gpu.sources["nvlink_errors"] == "smi-nvlink-e"


def test_errors_are_summed_over_links_by_kind() -> None:
    gpu = card(
        **{
            "NvLinkState(0)": 1,
            "NvLinkErrorCounter(0,DL_REPLAY)": 1,
            "NvLinkErrorCounter(1,DL_REPLAY)": 2,
            "NvLinkErrorCounter(0,DL_CRC_FLIT)": 0,
            "NvLinkErrorCounter(0,DL_ECC_DATA)": OFF,
        }
    )
    assert gpu.nvlink_errors == {"replay": 3, "crc flit": 0}


def test_what_a_lane_corrects_by_itself_is_no_error() -> None:
    calls = {"DL_REPLAY": 0, "DL_CRC_FLIT": 0, "DL_CRC_DATA": 41, "DL_ECC_DATA": 60}
    gpu = card(
        **{"NvLinkState(0)": 1},
        **{f"NvLinkErrorCounter(0,{kind})": count for kind, count in calls.items()},
    )
    assert gpu.nvlink_errors == {"replay": 0, "crc flit": 0}


def test_counters_that_could_not_be_read_are_no_zero() -> None:
    calls = {"NvLinkState(0)": 1, "NvLinkErrorCounter(0,DL_REPLAY)": OFF}
    assert isinstance(card(**calls).nvlink_errors, Missing)
    down = card(**{"NvLinkState(0)": 0})
    assert down.nvlink_errors == NotApplicable("no NVLink is up")


def test_fabric_as_nvml_tells_it() -> None:
    found = host(GpuFabricInfoV={"state": 3, "status": 0}).fabric
    assert isinstance(found, Fabric)
    assert found.cards == tuple(FabricCard(f"gpu{n}", "completed", "success") for n in (0, 1))
    found = host(GpuFabricInfoV={"state": 2, "status": 0}).fabric
    assert isinstance(found, Fabric)
    assert found.cards[0].state == "in progress"


@pytest.mark.parametrize("told", [{"state": 0, "status": 0}, OFF])
def test_cards_that_join_no_fabric(told: object) -> None:
    assert isinstance(host(GpuFabricInfoV=told).fabric, NotApplicable)


def test_fabric_that_could_not_be_asked() -> None:
    assert isinstance(host(GpuFabricInfoV="!UNKNOWN").fabric, Missing)


def test_switches_and_their_service() -> None:
    services = (
        "Id=nvidia-persistenced.service\nLoadState=loaded\nActiveState=active\n\n"
        "Id=nvidia-fabricmanager.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\n"
    )
    packages = "ii nvidia-driver-580 580.159.04-1\nii nvidia-fabricmanager-580 580.126.09-1\n"
    tree = files(dict(H100.files) | SWITCH)
    sources = {"systemd_nvidia": command(services), "dpkg_nvidia": command(packages)}
    found = host(tree, sources, GpuFabricInfoV=OFF).fabric
    assert found == Fabric((), 1, "failed", "580.126.09", "")
    sources["systemd_nvidia"] = command(
        services.replace("loaded\nActiveState=failed", "not-found\n")
    )
    found = host(tree, sources, GpuFabricInfoV=OFF).fabric
    assert isinstance(found, Fabric)
    assert found.manager == "not-found"


def test_errors_of_switches() -> None:
    first, second = (f"nvidia-nvswitch{n}: SXid (PCI:0000:0{n + 5}:00.0): " for n in (0, 1))
    lines = (
        f"[   90.500000] {first}20034, Fatal, Link 63 LTSSM Fault Up\n"
        f"[   90.600000] {first}20034, Severity 1 Engine instance 63\n"
        f"[   91.500000] {first}20034, Fatal, Link 62 LTSSM Fault Up\n"
        f"[   92.500000] {second}12028, Non-fatal, Link 32 egress\n"
    )
    calls = {"GpuFabricInfoV": {"state": 3, "status": 0}}
    found = host(sources={"dmesg": command(QUIET + lines)}, **calls).sxids
    assert found == (
        SwitchError(
            20034, "0000:05:00.0", True, "Fatal, Link 63 LTSSM Fault Up", 2, 0, "91.500000"
        ),
        SwitchError(12028, "0000:06:00.0", False, "Non-fatal, Link 32 egress", 1, 0, "92.500000"),
    )
    assert host(**calls).sxids == ()
    assert isinstance(host(GpuFabricInfoV=OFF).sxids, NotApplicable)
