"""The machine, its driver's versions, its disks and slots."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.capture import NvmlCall, Source
from preflight.facts import DriverLibraries, GpuModel, Host, Missing, NcclLibrary
from preflight.understand import understand
from tests.understand.build import (
    ADDRESSES,
    Builder,
    bare,
    command,
    device,
    files,
    nvml,
    with_status,
)

VERSION = "NVRM version: NVIDIA UNIX {}Kernel Module{}  {}  Release Build"


def host(**sources: Source) -> Host:
    return understand(Builder().capture(**sources)).host


def test_the_machine() -> None:
    found = host(
        proc=files(
            {
                "/proc/version": "Linux version 6.8.0-45-generic (buildd@lcy02) (gcc 13)",
                "/proc/meminfo": "MemTotal:       131072000 kB\nMemFree:   1 kB",
                "/proc/stat": "btime 1700000000",
            }
        ),
        lscpu=command("CPU(s):  64\nOn-line CPU(s) list:  0-63\nModel name:  AMD EPYC 7543\n"),
        dmi=files(
            {
                "/sys/devices/virtual/dmi/id/board_vendor": "Supermicro",
                "/sys/devices/virtual/dmi/id/board_name": "H12SSL-i",
            }
        ),
        os=files({"/etc/os-release": 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 24.04.3 LTS"\n'}),
    )
    assert found.kernel_release == "6.8.0-45-generic"
    assert found.memory_total_mib == 128000
    assert found.boot_time == "2023-11-14T22:13:20Z"
    assert (found.cpu_model, found.cpu_count) == ("AMD EPYC 7543", 64)
    assert found.board == "Supermicro H12SSL-i"
    assert found.os_name == "Ubuntu 24.04.3 LTS"
    assert found.user == "root"


@pytest.mark.parametrize("text", ["", "btime", "btime x", "btime 99999999999"])
def test_a_boot_time_that_is_none(text: str) -> None:
    found = host(proc=files({"/proc/stat": text})).boot_time
    assert isinstance(found, Missing)
    assert found.reason == "not-parsed"


@pytest.mark.parametrize(
    "words, architecture, is_open",
    [("", "", False), ("Open ", " for x86_64", True), ("", " for x86_64", False)],
)
def test_the_loaded_module(words: str, architecture: str, is_open: bool) -> None:
    text = VERSION.format(words, architecture, "580.126.09")
    found = understand(bare().capture(proc_nvidia=files({"/proc/driver/nvidia/version": text})))
    assert found.host.driver_version == "580.126.09"
    assert found.host.sources["driver_version"] == "proc-nvidia"
    assert found.gpus[0].is_open_driver is is_open  # type: ignore[index]


LIB = "/usr/lib/x86_64-linux-gnu"
MODULE = files({"/sys/module/nvidia/version": "525.89.02"})


def test_versions_of_the_libraries_that_the_loader_takes() -> None:
    libraries = Source(
        "ok",
        files={f"{LIB}/libcuda.so.525.89.02": "", f"{LIB}/libcuda.so.530.30.02": ""},
        links={
            f"{LIB}/libcuda.so.1": "libcuda.so.530.30.02",
            f"{LIB}/libnvidia-ml.so.1": f"{LIB}/libnvidia-ml.so.525.89.02",
        },
    )
    found = {"libcuda": "530.30.02", "libnvidia-ml": "525.89.02"}
    assert host(os=MODULE, libraries=libraries).driver_libraries == DriverLibraries(
        "525.89.02", found, ""
    )


def test_nvidia_smi_itself_sees_that_they_differ() -> None:
    refusal = "Failed to initialize NVML: Driver/library version mismatch"
    said = command(
        f"{refusal}\nNVML library version: 530.30\n",
        exit_code=18,
    )
    assert host(os=MODULE, smi_q=said).driver_libraries == DriverLibraries(
        "525.89.02", {"libnvidia-ml": "530.30"}, refusal
    )


def test_without_a_module_there_is_nothing_to_match() -> None:
    found = host(libraries=Source("ok", files={f"{LIB}/libcuda.so.530.30.02": ""}))
    assert isinstance(found.driver_libraries, Missing)


def test_every_nccl_with_its_version() -> None:
    wheel = "/opt/vllm/lib/python3.12/site-packages/nvidia_nccl_cu12-2.27.3.dist-info"
    libraries = Source(
        "ok",
        files={f"{LIB}/libnccl.so.2.28.9": "", wheel: "", f"{LIB}/libcuda.so.1": ""},
        links={f"{LIB}/libnccl.so.2": "libnccl.so.2.28.9"},
    )
    assert host(libraries=libraries).nccl_libraries == (
        NcclLibrary("2.27.3", wheel),
        NcclLibrary("2.28.9", f"{LIB}/libnccl.so.2.28.9"),
    )
    assert host(libraries=Source("not-present")).nccl_libraries == ()
    assert host(libraries=Source("timed-out")).nccl_libraries == Missing("timed-out")


@pytest.mark.parametrize(
    "sources, nouveau, nvidia",
    [
        ({"proc": files({"/proc/modules": "nvidia_uvm 1 0\nnvidia 2 1\n"})}, False, True),
        ({"proc": files({"/proc/modules": "nouveau 2 1\nnvidia_drm 3 0"})}, True, False),
        ({"os": files({"/sys/module/nouveau": ""})}, True, False),
        ({"os": files({"/sys/module/nvidia/version": "580.1"})}, False, True),
        ({}, Missing("not-collected"), Missing("not-collected")),
    ],
)
def test_which_modules_are_loaded(sources: Any, nouveau: object, nvidia: object) -> None:
    found = host(**sources)
    assert (found.nouveau_loaded, found.nvidia_module_loaded) == (nouveau, nvidia)


def test_cuda_as_the_driver_supports_it() -> None:
    source = nvml(system={"nvmlSystemGetCudaDriverVersion_v2": NvmlCall(12080)})
    assert host(nvml=source).cuda_version == "12.8"


def test_a_dead_card_is_the_model_of_its_twin() -> None:
    living = device(
        0, ADDRESSES[0], Name="NVIDIA GeForce RTX 4090", MemoryInfo={"total": 24564 << 20}
    )
    found = understand(bare().capture(nvml=nvml(living)))
    assert found.host.gpu_models == (
        GpuModel("gpu0", "NVIDIA GeForce RTX 4090", "2684", 24564),
        GpuModel("gpu1", "NVIDIA GeForce RTX 4090", "2684", None),
    )
    assert isinstance(found.host.gpu_memory_total_mib, Missing)


DF = """Filesystem                         Type      1024-blocks      Used  Available Capacity Mount
tmpfs                              tmpfs       13130864      2404   13128460       1% /run
/dev/mapper/ubuntu--vg-ubuntu--lv  ext4       959786032 471859200  439098168      52% /
/dev/sda2                          ext4         1992552    258380    1612932      14% /boot
/dev/nvme1n1                       xfs       3749000000 375000000 3374000000      10% /models
/dev/nvme1n1                       xfs       3749000000 375000000 3374000000      10% /srv/models
nas:/export/data sets              nfs4       104857600  52428800   52428800      50% /mnt/data sets
/dev/loop1                         squashfs       65536     65536          0     100% /snap/core20/1
overlay                            overlay    959786032 471859200  439098168      52% /merged
"""
INODES = """Filesystem Type Inodes IUsed IFree IUse% Mounted on
/dev/mapper/ubuntu--vg-ubuntu--lv ext4 1000 250 750 25% /
/dev/nvme1n1 xfs 0 0 0 - /models
"""


def disks(**sources: Source) -> Any:
    return understand(Builder().capture(**sources)).file_systems


def test_file_systems_that_hold_data() -> None:
    found = disks(df=command(DF), df_inodes=command(INODES))
    assert [disk.subject for disk in found] == ["disk:/", "disk:/models", "disk:/mnt/data sets"]
    root, models, _ = found
    assert root.size_gib == pytest.approx(915.3, abs=0.1)
    assert root.available_gib == pytest.approx(418.8, abs=0.1)
    assert (root.used_percent, root.inodes_used_percent) == (51.8, 25.0)
    assert models.inodes_used_percent == Missing("not-supported", "xfs counts no inodes")


def test_df_that_failed_at_one_mount_still_lists_the_others() -> None:
    failed = command(DF, "df: /run/user/1000/doc: Operation not permitted\n", exit_code=1)
    assert disks(df=failed)[0].subject == "disk:/"


def test_a_container_has_its_overlay_and_no_bound_files() -> None:
    rows = (
        "overlay overlay 959786032 471859200 439098168 52% /\n"
        "/dev/sda1 ext4 959786032 471859200 439098168 52% /etc/hosts\n"
        "/dev/sda1 ext4 959786032 471859200 439098168 52% /usr/bin/nvidia-smi\n"
        "/dev/sdb1 ext4 100 50 50 50% /workspace\n"
    )
    assert [disk.subject for disk in disks(df=command(rows))] == ["disk:/", "disk:/workspace"]


@pytest.mark.parametrize("source", [with_status(command(), "tool-absent"), command("nonsense")])
def test_without_df_there_are_no_disks(source: Source) -> None:
    assert disks(df=source) == ()


SLOTS = """Handle 0x0038, DMI type 9, 17 bytes
System Slot Information
\tDesignation: PCIEX16_1
\tType: x16 PCI Express
\tBus Address: 0000:{0}

Handle 0x0039, DMI type 9, 17 bytes
System Slot Information
\tDesignation: PCIEX16_2
\tBus Address: 0000:{1}

"""


@pytest.mark.parametrize(
    "places, one, two",
    [
        (("41:00.0", "61:00.0"), "PCIEX16_1", "PCIEX16_2"),
        (("41:00.7", "60:01.1"), "PCIEX16_1", "PCIEX16_2"),  # the port above stands for the slot
        (("99:00.0", "61:00.0"), None, "PCIEX16_2"),
        (("41:00.0", "41:00.0"), None, None),  # one address for all slots is no address
    ],
)
def test_the_label_of_a_cards_slot(places: Any, one: str | None, two: str | None) -> None:
    gpus = understand(bare().capture(dmidecode=command(SLOTS.format(*places)))).gpus
    absent = Missing("not-present", "DMI lists no slot at this address")
    assert [gpu.slot for gpu in gpus] == [one or absent, two or absent]  # type: ignore[union-attr]
    if one:
        assert gpus[0].label == "gpu0 (NVIDIA GeForce RTX 4090, 0000:41:00.0, slot PCIEX16_1)"  # type: ignore[index]


def test_dmi_is_for_root() -> None:
    denied = command("# dmidecode 3.3\n", "/dev/mem: Permission denied\n", exit_code=1)
    gpu = understand(bare().capture(dmidecode=denied)).gpus[0]  # type: ignore[index]
    assert gpu.slot == Missing("not-permitted", "/dev/mem: Permission denied")
