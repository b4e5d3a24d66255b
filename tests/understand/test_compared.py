"""What only shows beside another: VBIOS of like boards, nvidia-smi beside NVML, clocks."""

from __future__ import annotations

import pytest

from preflight.capture import NvmlDevice
from preflight.facts import GpuVbios, Host, Missing
from preflight.understand import understand
from tests.understand.build import ADDRESSES, CARDS, RTX4090, bare, command, device, files, nvml
from tests.understand.build import pci_device as pci
from tests.understand.test_condition import SMI

BOARD = {"subsystem_vendor": "0x1462", "subsystem_device": "0x5104", **RTX4090}
TREE = files(pci(CARDS[0], **BOARD) | pci(CARDS[1], **BOARD))


def told(smi: str = SMI, **calls: object) -> Host:
    return understand(bare(**calls).capture(smi_q=command(smi), sysfs_pci=TREE)).host


def test_vbios_by_board() -> None:
    found = told(VbiosVersion="95.02.3c.00.40").gpu_vbios
    board = "10de:2684 1462:5104"
    assert found == tuple(GpuVbios(f"gpu{n}", board, "95.02.3C.00.40") for n in (0, 1))


def test_one_unread_vbios_leaves_the_comparison_open() -> None:
    cards = nvml(device(0, ADDRESSES[0], VbiosVersion="95"), device(1, ADDRESSES[1]))
    found = understand(bare().capture(nvml=cards, sysfs_pci=TREE)).host.gpu_vbios
    assert isinstance(found, Missing)


def test_both_ways_of_asking_agree() -> None:
    assert told().smi_disagreements == ()


@pytest.mark.parametrize(
    "listing, words",
    [
        (
            SMI.replace("RTX 4090", "RTX 5090", 1),
            "0000:41:00.0: name NVIDIA GeForce RTX 5090 by nvidia-smi, "
            "NVIDIA GeForce RTX 4090 by NVML",
        ),
        (SMI.replace("00000000:61:00.0", "00000000:62:00.0"), "NVML knows no card at 0000:62:00.0"),
        (
            SMI.replace("</product_name>", "</product_name><uuid>GPU-x</uuid>", 1),
            "0000:41:00.0: UUID GPU-x by nvidia-smi, GPU-1 by NVML",
        ),
        (
            SMI.replace(
                "</product_name>",
                "</product_name><fb_memory_usage><total>49140 MiB</total></fb_memory_usage>",
                1,
            ),
            "0000:41:00.0: memory 49140 by nvidia-smi, 24564 by NVML",
        ),
    ],
)
def test_a_difference_is_told(listing: str, words: str) -> None:
    calls = {"UUID": "GPU-1", "MemoryInfo": {"total": 24564 << 20}}
    found = told(listing, **calls).smi_disagreements
    assert isinstance(found, tuple)
    assert words in found


@pytest.mark.parametrize("unread", ["ERR!", "N/A", "[Unknown Error]"])
def test_a_card_without_a_readable_address_is_no_stranger(unread: str) -> None:
    listing = SMI.replace("00000000:61:00.0", unread)
    assert unread in listing
    found = told(listing).smi_disagreements
    assert isinstance(found, Missing)
    found = told(listing.replace("RTX 4090", "RTX 5090", 1)).smi_disagreements
    assert found == (
        "0000:41:00.0: name NVIDIA GeForce RTX 5090 by nvidia-smi, NVIDIA GeForce RTX 4090 by NVML",
    )


def test_a_card_that_the_library_cannot_place_is_no_stranger() -> None:
    lost = NvmlDevice(index=1, handle_error="GPU_IS_LOST")
    cards = nvml(device(0, ADDRESSES[0], Name="NVIDIA GeForce RTX 4090"), lost)
    host = understand(bare().capture(smi_q=command(SMI), nvml=cards, sysfs_pci=TREE)).host
    assert isinstance(host.smi_disagreements, Missing)


def test_neither_alone_can_disagree() -> None:
    host = understand(bare().capture(sysfs_pci=TREE)).host
    assert host.smi_disagreements == Missing("not-collected")
    host = understand(bare().capture(smi_q=command(SMI), nvml=None, sysfs_pci=TREE)).host
    assert host.smi_disagreements == Missing("not-collected")


@pytest.mark.parametrize(
    "clock_mhz, width_bits, gb_s", [(10501, 384, 1008), (2619, 5120, 3352), (3201, 6016, 4814)]
)
def test_bandwidth_by_clock_and_width(clock_mhz: int, width_bits: int, gb_s: int) -> None:
    calls = {"MaxClockInfo(MEM)": clock_mhz, "MemoryBusWidth": width_bits}
    gpu = understand(bare(**calls).capture()).gpus[0]  # type: ignore[index]
    assert isinstance(gpu.memory_bandwidth_gb_s, float)
    assert round(gpu.memory_bandwidth_gb_s) == gb_s
