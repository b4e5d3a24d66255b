"""How the host's system was started and how it is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from preflight.capture import ControllerView
from preflight.facts import Clock, Missing, Nic, NotApplicable
from preflight.understand import understand

from .build import QUIET, bare, command, files, with_status

GUEST = command("Model name: Xeon\nFlags: fpu hypervisor\nHypervisor vendor: KVM\n")
P2P = " \tGPU0\tGPU1\n GPU0\tX\t{0}\t\n GPU1\t{0}\tX\t\n"


def host(**sources: Any) -> Any:
    return understand(bare().capture(**sources)).host


def cmdline(text: str) -> Any:
    return files({"/proc/cmdline": text})


@pytest.mark.parametrize(
    "log, parameters, mode",
    [
        ("iommu: Default domain type: Translated ", "ro quiet", "translated"),
        ("iommu: Default domain type: Passthrough (set via kernel command)", "", "passthrough"),
        ("iommu: Default domain type: Translated", "iommu=pt", "translated"),  # not as asked
        ("nothing of it", "ro iommu=pt", "passthrough"),
        ("nothing of it", "intel_iommu=off", "off"),
        ("nothing of it", "amd_iommu=off", "off"),
        ("DMAR: IOMMU disabled", "", "off"),
        ("nothing of it", "ro quiet", None),
    ],
)  # fmt: skip
def test_the_mode_of_the_iommu(log: str, parameters: str, mode: str | None) -> None:
    told = command(f"{QUIET}[    2.0] {log}\n")
    found = host(dmesg=told, proc=cmdline(parameters)).iommu_mode
    assert found == mode if mode else isinstance(found, Missing)


def test_a_guest_has_no_iommu_of_its_own() -> None:
    assert isinstance(host(lscpu=GUEST, proc=cmdline("iommu=pt")).iommu_mode, NotApplicable)


@pytest.mark.parametrize("word, granted", [("OK", True), ("CNS", False)])
def test_whether_cards_reach_each_other(word: str, granted: bool) -> None:
    assert host(smi_p2p_r=command(P2P.format(word))).peer_access_granted is granted


def test_parameters_of_the_kernel() -> None:
    found = host(proc=cmdline("root=/dev/sda\x1b[31m ro  pci=noaer"))
    assert found.kernel_parameters == ("root=/dev/sda", "ro", "pci=noaer")


@pytest.mark.parametrize("text, seconds", [("34.26 534.58", 34.26), ("", None), ("x y", None)])
def test_uptime(text: str, seconds: float | None) -> None:
    found = host(proc=files({"/proc/uptime": text})).uptime_s
    assert found == seconds if seconds else isinstance(found, Missing)


UBUNTU = {"/etc/os-release": "ID=ubuntu\nID_LIKE=debian"}


@pytest.mark.parametrize(
    "listed, waits",
    [
        (UBUNTU, False),
        (UBUNTU | {"/var/run/reboot-required": ""}, True),
        ({"/etc/os-release": "ID=debian"}, False),
    ],
)
def test_the_mark_of_a_reboot(listed: dict[str, str], waits: bool) -> None:
    assert host(os=files(listed)).reboot_required is waits


def test_where_no_mark_would_be_left() -> None:
    rocky = host(os=files({"/etc/os-release": 'ID="rocky"\nID_LIKE="rhel centos fedora"'}))
    assert rocky.reboot_required.reason == "not-supported"
    assert isinstance(host(os=files({})).reboot_required, Missing)
    inside = host(os=files(UBUNTU | {"/.dockerenv": ""}))
    assert isinstance(inside.reboot_required, NotApplicable)


FAILED = (
    "nvidia-fabricmanager.service loaded failed failed NVIDIA fabric manager service\n"
    "● dev-disk-by\\x2duuid.mount     loaded failed failed /models\n"
)


def test_units_that_failed() -> None:
    found = host(systemd_failed=command(FAILED)).failed_units
    assert found == ("nvidia-fabricmanager.service", "dev-disk-by\\x2duuid.mount")
    assert host(systemd_failed=command("")).failed_units == ()


def test_without_a_service_manager() -> None:
    absent = with_status(command(), "tool-absent", "systemctl: not found")
    assert host(systemd_failed=absent).failed_units.reason == "tool-absent"
    inside = host(systemd_failed=absent, os=files({"/.dockerenv": ""}))
    assert isinstance(inside.failed_units, NotApplicable)
    down = command("", "System has not been booted with systemd\n", exit_code=1)
    assert host(systemd_failed=down).failed_units.reason == "tool-failed"


YES, NO = command("NTP=yes\nNTPSynchronized=yes\n"), command("NTP=no\nNTPSynchronized=no\n")
TRACKING = "Reference ID    : A29FC801\nLeap status     : {}\n"


@pytest.mark.parametrize(
    "sources, synchronized",
    [
        ({"timedatectl": YES}, True),
        ({"timedatectl": NO}, False),
        ({"chronyc": command(TRACKING.format("Normal"))}, True),
        ({"chronyc": command(TRACKING.format("Not synchronised")), "timedatectl": YES}, False),
        ({"chronyc": with_status(command(), "tool-absent"), "timedatectl": NO}, False),
    ],
)
def test_the_clock(sources: Any, synchronized: bool) -> None:
    assert host(**sources).clock == Clock(synchronized, None)


def test_the_clock_beside_the_controllers() -> None:
    view = ControllerView(clock_offset_s=-3.5, rtt_s=0.02)
    capture = msgspec.structs.replace(bare().capture(), controller=view)
    found = understand(capture).host
    assert found.clock == Clock(None, -3.5)
    assert (found.controller_rtt_s, found.sources["controller_rtt_s"]) == (0.02, "controller")


def test_nothing_told_of_clock_and_connection() -> None:
    found = host()
    assert isinstance(found.clock, Missing)
    assert isinstance(found.controller_rtt_s, NotApplicable)


NET = "/sys/devices/pci0000:20/0000:25:00.0/net/eno1"


def test_network_cards_with_a_link() -> None:
    virtual = "/sys/devices/virtual/net/docker0"
    told = {
        f"{NET}/operstate": "up",
        f"{NET}/speed": "10000",
        f"{NET}/duplex": "full",
        f"{NET}/carrier_changes": "2",
        f"{NET}/statistics/rx_packets": "100",
        f"{NET}/statistics/tx_packets": "50",
        f"{NET}/statistics/rx_errors": "1",
        f"{NET}/statistics/tx_errors": "2",
        f"{NET}/statistics/rx_dropped": "3",
        f"{NET.replace('eno1', 'eno2')}/operstate": "down",
        f"{virtual}/operstate": "up",
        f"{virtual}/speed": "10",
    }
    assert host(net=files(told)).nics == (Nic("eno1", 10000, "full", 2, 150, 3, 3),)
    unsaid = told | {f"{NET}/speed": "-1", f"{NET}/duplex": "unknown"}
    [nic] = host(net=files(unsaid)).nics
    assert (nic.speed_mbit_s, nic.duplex) == (None, None)


def test_where_no_network_card_is_shown() -> None:
    shown = files({"/sys/devices/virtual/net/eth0/operstate": "up"})
    assert isinstance(host(net=shown).nics, NotApplicable)
    assert isinstance(host().nics, Missing)
