"""What a card is called, and by whom."""

from __future__ import annotations

from typing import Any

from preflight.capture import NvmlDevice, Source
from preflight.facts import Card, Gpu, Missing
from preflight.understand import understand
from tests.understand.build import (
    ADDRESSES,
    CARDS,
    bare,
    command,
    device,
    files,
    nvml,
    pci_device,
    with_status,
)

ABSENT = with_status(files({}), "tool-absent", "no library")
LSPCI = command(
    "0000:41:00.0 VGA compatible controller [0300]: NVIDIA Corporation AD102 [GeForce RTX 4090] "
    "[10de:2684] (rev a1)\n\tSubsystem: Micro-Star International Co., Ltd. [1462:5104]\n\tx: y\n\n"
)


def proc(**headings: str) -> Source:
    body = "\n".join(f"{name.replace('_', ' ')}: \t {value}" for name, value in headings.items())
    return files({
        "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.113.01",
        f"/proc/driver/nvidia/gpus/{ADDRESSES[0]}/information": body,
    })  # fmt: skip


def card(**sources: Any) -> Gpu:
    return understand(bare().capture(**sources)).gpus[0]  # type: ignore[index]


def test_the_driver_first_and_its_folder_where_the_library_is_not_there() -> None:
    told = proc(Model="NVIDIA GeForce RTX 4090", GPU_UUID="GPU-1", Video_BIOS="95.02.3c.00.40")
    gpu = card(nvml=ABSENT, proc_nvidia=told)
    assert (gpu.name, gpu.uuid) == ("NVIDIA GeForce RTX 4090", "GPU-1")
    assert gpu.vbios == "95.02.3C.00.40"  # as NVML writes it
    assert gpu.sources["name"] == "proc-nvidia"
    assert gpu.serial == Missing("tool-absent", "no library")
    gpu = card(
        nvml=nvml(device(0, ADDRESSES[0], Name="NVIDIA GeForce RTX 4090 D")), proc_nvidia=told
    )
    assert (gpu.name, gpu.sources["name"]) == ("NVIDIA GeForce RTX 4090 D", "nvml")


def test_a_card_that_the_driver_could_not_start_tells_nothing() -> None:
    unknown = proc(Model="Unknown", GPU_UUID="GPU-????????-????", Video_BIOS="??.??.??.??.??")
    gpu = card(nvml=ABSENT, proc_nvidia=unknown)
    assert all(isinstance(fact, Missing) for fact in (gpu.name, gpu.uuid, gpu.vbios))


def test_the_name_of_a_card_that_gives_no_handle_is_not_taken_from_memory() -> None:
    refused = nvml(NvmlDevice(0, handle_error="UNKNOWN"), device(1, ADDRESSES[1]))
    gpu = card(nvml=refused, proc_nvidia=proc(Model="NVIDIA GeForce RTX 4090", GPU_UUID="GPU-1"))
    assert gpu.name == Missing("tool-failed", "nvmlDeviceGetHandleByIndex: UNKNOWN")
    assert gpu.uuid == "GPU-1"


def test_the_bus_knows_a_card_without_any_driver() -> None:
    tree = pci_device(
        CARDS[0], device="0x2684", subsystem_vendor="0x1462", subsystem_device="0x5104"
    )
    for sources in ({"sysfs_pci": files(tree)}, {"sysfs_pci": None, "lspci": LSPCI}):
        gpu = card(nvml=ABSENT, **sources)
        assert (gpu.pci_device_id, gpu.pci_subsystem_id) == ("2684", "1462:5104")
        assert isinstance(gpu.catalog, Card)
        assert gpu.catalog_names == ("GeForce RTX 4090",)
    assert gpu.pci_name == "NVIDIA Corporation AD102 [GeForce RTX 4090]"


def test_ids_out_of_nvmls_numbers() -> None:
    place = {"busId": "00000000:41:00.0", "pciDeviceId": 0x268410DE, "pciSubSystemId": 0x51041462}
    gpu = card(sysfs_pci=None, nvml=nvml(device(0, ADDRESSES[0], PciInfo_v3=place)))
    assert (gpu.pci_device_id, gpu.pci_subsystem_id) == ("2684", "1462:5104")


def test_an_id_that_the_catalogue_does_not_know_has_no_names() -> None:
    gpu = card(sysfs_pci=files(pci_device(CARDS[0], device="0x1d01")))
    assert gpu.catalog == Missing("not-present", "the catalogue has no card with id 10de:1d01")
    assert gpu.catalog_names == ()


def test_an_id_that_was_not_read_has_unknown_names() -> None:
    gpu = card(sysfs_pci=None, nvml=nvml(device(0, ADDRESSES[0])))
    assert isinstance(gpu.pci_device_id, Missing)
    assert isinstance(gpu.catalog_names, Missing)


def test_a_name_is_one_short_line_without_escapes() -> None:
    name = "NVIDIA \x1b[31mRTX\x1b[0m\n4090\u202e" + "x" * 500
    gpu = card(nvml=nvml(device(0, ADDRESSES[0], Name=name)))
    assert isinstance(gpu.name, str)
    assert gpu.name.startswith("NVIDIA RTX 4090x")
    assert len(gpu.name) < 400


def test_a_host_with_one_card_has_no_peers() -> None:
    assert card().has_peers is True
    assert card(sysfs_pci=None, nvml=nvml(device(0, ADDRESSES[0]))).has_peers is False
