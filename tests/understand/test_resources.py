"""What the host has for programs, from the files and tools that tell it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from preflight.facts import MemoryModules, Missing, NotApplicable, Swap
from preflight.understand import understand
from preflight.understand.memory_modules import memory_modules

from .build import bare, command, files

CPUFREQ = "/sys/devices/system/cpu/cpufreq/policy0"
GUEST = command("Model name: Xeon\nFlags: fpu hypervisor\nHypervisor vendor: KVM\n")


def host(**sources: Any) -> Any:
    return understand(bare().capture(**sources)).host


def test_the_governor_of_the_processor() -> None:
    listed = {
        f"{CPUFREQ}/scaling_governor": "powersave",
        f"{CPUFREQ}/scaling_driver": "amd-pstate-epp",
        f"{CPUFREQ}/energy_performance_preference": "balance_performance",
    }
    found = host(cpu=files(listed))
    assert (found.cpu_governor, found.cpu_frequency_driver) == ("powersave", "amd-pstate-epp")
    assert found.cpu_energy_preference == "balance_performance"
    assert found.sources["cpu_governor"] == "cpu"


def test_a_kernel_without_control_of_the_clock() -> None:
    assert isinstance(host(cpu=files({"/sys/x/online": "0-3"})).cpu_governor, NotApplicable)
    assert isinstance(host(lscpu=GUEST).cpu_governor, NotApplicable)
    assert isinstance(host().cpu_governor, Missing)


@pytest.mark.parametrize(
    "text, cores",
    [
        ("Core(s) per socket:  16\nSocket(s):           2\n", 32),
        ("Core(s) per socket:  16\n", None),
        ("Core(s) per socket:  -\nSocket(s): 1\n", None),
        ("", None),
    ],
)
def test_physical_cores(text: str, cores: int | None) -> None:
    found = host(lscpu=command(f"{text}Flags: fpu\n")).cpu_cores
    assert found == cores if cores else isinstance(found, Missing)


MEMINFO = """MemTotal:       131725808 kB
MemAvailable:   129009540 kB
SwapTotal:       2097148 kB
HugePages_Total:    1024
Hugepagesize:       2048 kB"""
LIMITS = """Limit                     Soft Limit           Hard Limit           Units     
Max open files            1024                 1048576              files     
Max locked memory         8388608              8388608              bytes     """  # noqa: W291


def test_memory_and_limits() -> None:
    found = host(
        proc=files(
            {
                "/proc/meminfo": MEMINFO,
                "/proc/self/limits": LIMITS,
                "/proc/sys/vm/swappiness": "60",
                "/proc/sys/vm/overcommit_memory": "1",
                "/proc/sys/kernel/pid_max": "4194304",
            }
        )
    )
    assert found.memory_available_mib == 125985
    assert (found.swap, found.huge_pages_mib) == (Swap(2.0, 60), 2048)
    assert (found.open_files_limit, found.locked_memory_limit_mib) == (1024, 8)
    assert (found.overcommit_memory, found.pid_max) == (1, 4194304)


def test_limits_that_are_none() -> None:
    text = LIMITS.replace("8388608   ", "unlimited ", 1)
    assert host(proc=files({"/proc/self/limits": text})).locked_memory_limit_mib == math.inf
    absent = host(proc=files({"/proc/self/limits": "Limit"})).locked_memory_limit_mib
    assert absent == Missing("not-parsed", "/proc/self/limits: Max locked memory")


def test_swap_needs_both_of_its_files() -> None:
    assert isinstance(host(proc=files({"/proc/meminfo": MEMINFO})).swap, Missing)
    assert isinstance(host(proc=files({"/proc/sys/vm/swappiness": "60"})).swap, Missing)


DF = """Filesystem Type 1024-blocks Used Available Capacity Mounted on
/dev/sda1 ext4 1000000 500000 500000 50% /
/dev/sdb1 xfs 1000000 500000 500000 50% /my models
shm tmpfs 65536 0 65536 0% /dev/shm
"""


def test_shared_memory() -> None:
    assert host(df=command(DF)).shared_memory_mib == 64
    without = DF.replace("/dev/shm", "/run")
    assert host(df=command(without)).shared_memory_mib.reason == "not-present"


@pytest.mark.parametrize(
    "options, read_only", [("rw,relatime", False), ("ro,relatime,errors=remount-ro", True)]
)
def test_whether_a_file_system_can_be_written(options: str, read_only: bool) -> None:
    mounts = f"rootfs / rootfs rw 0 0\n/dev/sda1 / ext4 {options} 0 0\n"
    mounts += f"/dev/sdb1 /my\\040models xfs {options} 0 0"
    capture = bare().capture(df=command(DF), proc=files({"/proc/mounts": mounts}))
    root, models = understand(capture).file_systems
    assert (root.is_read_only, models.is_read_only) == (read_only, read_only)
    assert (root.holds_system, models.holds_system) == (True, False)


def slot(locator: str, bank: str = "NODE 1", size: str = "32 GB", speed: str = "3200 MT/s") -> str:
    empty = size == "No Module Installed"
    return (
        "Handle 0x0055, DMI type 17, 92 bytes\nMemory Device\n"
        f"\tSize: {size}\n\tForm Factor: DIMM\n\tLocator: {locator}\n\tBank Locator: {bank}\n"
        f"\tSpeed: 3200 MT/s\n\tConfigured Memory Speed: {'Unknown' if empty else speed}\n\n"
    )


NONE = "No Module Installed"


@pytest.mark.parametrize(
    "listing, per_channel",
    [
        (slot("DIMM 0", "P0 CHANNEL A") + slot("DIMM 0", "P0 CHANNEL B", NONE), (1, 0)),
        (slot("DIMM_A1") + slot("DIMM_A2") + slot("DIMM_B1") + slot("DIMM_B2", size=NONE), (2, 1)),
        (slot("P1-DIMMA1") + slot("P1-DIMMB1", size=NONE) + slot("P2-DIMMA1"), (1, 0, 1)),
        (slot("ChannelA-DIMM0") + slot("ChannelB-DIMM0"), (1, 1)),
        (
            slot("Controller0-ChannelA-DIMM0", size=NONE)
            + slot("Controller0-ChannelA-DIMM1")
            + slot("Controller1-ChannelA-DIMM1"),
            (1, 1),
        ),
        (slot("DIMM1") + slot("DIMM2", size=NONE), None),
        (slot("DIMM_A1") + slot("DIMM7"), None),
    ],
)
def test_channels_of_memory(listing: str, per_channel: tuple[int, ...] | None) -> None:
    found = memory_modules(listing)
    assert isinstance(found, MemoryModules)
    assert found.per_channel == per_channel


def test_speeds_of_memory() -> None:
    found = memory_modules(slot("DIMM_A1") + slot("DIMM_B1", speed="2400 MT/s"))
    assert found == MemoryModules(2, 2, (1, 1), 2400, 3200)
    older = slot("DIMM_A1", speed="2133 MHz").replace("Configured Memory", "Configured Clock")
    assert memory_modules(older) == MemoryModules(1, 1, (1,), 2133, 3200)


def test_no_module_is_no_fact() -> None:
    assert isinstance(memory_modules(slot("DIMM_A1", size=NONE)), Missing)
    assert isinstance(memory_modules(""), Missing)
    assert host(lscpu=GUEST, dmidecode=command(slot("DIMM_A1"))).memory_modules == Missing(
        "guest-view", "the memory modules are the hypervisor's making"
    )
