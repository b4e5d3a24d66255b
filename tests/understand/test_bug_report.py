"""What is understood of a bug report where the probe would have better sources."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from preflight.facts import DriverLibraries, Facts, Missing, NotApplicable
from preflight.importing.bug_report import read
from preflight.understand import understand
from tests.importing.written import as_text, file, report

VERSION = file(
    "/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  525.89.02  Wed"
)
CARD = """{pci} VGA compatible controller [0300]: NVIDIA Corporation AD102 [10de:2684] (rev a1)
	Subsystem: Micro-Star International Co., Ltd. [MSI] Device [1462:5104]
	Region 0: Memory at f0000000 (32-bit, non-prefetchable) [size=16M]
	Region 1: Memory at 28040000000 (64-bit, prefetchable) [size=256M]
	Capabilities: [78] Express (v2) Legacy Endpoint, MSI 00
		DevCap:	MaxPayload 256 bytes, PhantFunc 0
		DevCtl:	CorrErr- NonFatalErr+ FatalErr+ UnsupReq-
			MaxPayload 128 bytes, MaxReadReq 512 bytes
		LnkCap:	Port #0, Speed 16GT/s, Width x16, ASPM L1
		LnkSta:	Speed 2.5GT/s (downgraded), Width x16
	Kernel driver in use: nvidia

"""
PORT = """{pci} PCI bridge [0604]: Advanced Micro Devices, Inc. [AMD] Bridge [1022:1483] (rev 00)
	Bus: primary={own}, secondary={below}, subordinate={below}, sec-latency=0
	Capabilities: [58] Express (v2) Root Port (Slot+), MSI 00
		LnkCap:	Port #0, Speed 16GT/s, Width x{width}, ASPM L1
		LnkSta:	Speed 2.5GT/s, Width x{width}
	Capabilities: [2a0 v1] Access Control Services
		ACSCap:	SrcValid+ TransBlk+ ReqRedir+
		ACSCtl:	SrcValid- TransBlk- ReqRedir{sign}
	Kernel driver in use: pcieport

"""
TREE = """/usr/bin/lspci -nntv

-+-[0000:60]-+-01.1-[61]----00.0  NVIDIA
 |           \\-03.1-[62]----00.0  NVIDIA
 \\-[0000:40]---01.1-[41]----00.0  NVIDIA
"""
LISTING = "/usr/bin/lspci -nnDvvvxxx\n\n" + "".join((
    PORT.format(pci="0000:40:01.1", own="40", below="41", width=16, sign="+"),
    CARD.format(pci="0000:41:00.0"),
    PORT.format(pci="0000:60:01.1", own="60", below="61", width=8, sign="-"),
    CARD.format(pci="0000:61:00.0"),
    PORT.format(pci="0000:60:03.1", own="60", below="62", width=16, sign="-"),
    CARD.format(pci="0000:62:00.0"),
))  # fmt: skip
CPU = "\n\n".join(
    f"processor\t: {n}\nmodel name\t: Some CPU\nphysical id\t: {n // 4}\n"
    f"core id\t\t: {n % 4 // 2}\n"
    "flags\t\t: fpu {flag}"
    for n in range(8)
)
DMI = """/usr/sbin/dmidecode

Handle 0x0001, DMI type 1, 27 bytes
System Information
	Manufacturer: {maker}
	Product Name: System Product Name

Handle 0x0002, DMI type 2, 15 bytes
Base Board Information
	Manufacturer: ASUSTeK COMPUTER INC.
	Product Name: Pro WS WRX80E-SAGE
"""


def facts(*bodies: str) -> Facts:
    return understand(read(as_text(report(*bodies)), "f"))


def cards(*bodies: str) -> tuple[Any, ...]:
    gpus = facts(*bodies).gpus
    assert isinstance(gpus, tuple)
    return gpus


@pytest.mark.parametrize("tree", [TREE, ""], ids=["by the tree", "by the bridges' bus numbers"])
def test_ports_above_a_card(tree: str) -> None:
    first, second, _ = cards(LISTING, tree)
    assert [port.pci for port in first.upstream] == ["0000:40:01.1"]
    assert (first.upstream[0].link_width_max, first.upstream[0].is_root_port) == (16, True)
    assert (first.pcie_link_width_max, second.pcie_link_width_max) == (16, 8)
    assert first.acs_redirecting == ("0000:40:01.1",)
    assert second.acs_redirecting == ()
    assert first.chipset_port == ""
    assert first.sources["upstream"] == "lspci"
    assert (first.pcie_max_payload_bytes, first.pcie_max_payload_able_bytes) == (128, 256)


def test_a_port_that_only_the_plain_list_names_tells_its_maker_alone() -> None:
    plain = "/usr/bin/lspci -nn\n\n0000:40:01.1 PCI bridge [0604]: Intel PCH [8086:a330] (rev f0)\n"
    only_cards = "/usr/bin/lspci -nnDvvvxxx\n\n" + CARD.format(pci="0000:41:00.0")
    (card,) = cards(only_cards, plain, TREE)
    assert card.chipset_port == "Intel 300 series port 0000:40:01.1"
    assert card.upstream[0].link_width_max is None
    assert isinstance(card.acs_redirecting, Missing)


def test_topology_is_inferred_and_said_to_be() -> None:
    numa = file("/sys/bus/pci/devices/0000:41:00.0/numa_node", "{}")
    for nodes, way in (((0, 0, 0), "NODE"), ((0, 1, 1), "SYS")):
        places = [
            numa.replace("41", bus).format(node)
            for bus, node in zip(("41", "61", "62"), nodes, strict=True)
        ]
        pairs = {pair.subject: pair for pair in facts(LISTING, TREE, *places).pairs}
        assert pairs["gpu0-gpu1"].topology == way
        assert pairs["gpu1-gpu2"].topology == "PHB"
        assert pairs["gpu0-gpu1"].topology_is_inferred is True
    assert isinstance(facts(LISTING, TREE).pairs[0].topology, Missing)


SWITCHED = """/usr/bin/lspci -t

-[0000:00]-+-01.0-[01-06]----00.0-[02-06]--+-04.0-[41]----00.0
           |                               +-08.0-[61]----00.0
           |                               \\-0c.0-[07-08]----00.0-[62]----00.0
           \\-03.0-[09]----00.0
"""


def test_cards_behind_one_switch_share_its_uplink() -> None:
    found = facts(LISTING, SWITCHED)
    assert isinstance(found.gpus, tuple)
    assert found.gpus[0].uplink_shared_by == ("gpu0", "gpu1", "gpu2")
    assert [pair.topology for pair in found.pairs] == ["PIX", "PXB", "PXB"]
    assert cards(LISTING, TREE)[0].uplink_shared_by == ()


def test_the_processor_by_its_own_list() -> None:
    host = facts(file("/proc/cpuinfo", CPU.replace("{flag}", "sse"))).host
    assert (host.cpu_model, host.cpu_count) == ("Some CPU", 8)
    assert (host.cpu_cores, host.cpu_sockets) == (4, 2)
    assert host.is_guest is False


def test_a_guest_is_known_by_its_processor_or_its_board() -> None:
    flagged = file("/proc/cpuinfo", CPU.replace("{flag}", "hypervisor"))
    for body in (flagged, DMI.format(maker="QEMU")):
        found = facts(body, LISTING, TREE)
        assert found.host.is_guest is True
        assert isinstance(found.gpus, tuple)
        assert isinstance(found.gpus[0].pcie_link_width, Missing)
        assert isinstance(found.gpus[0].upstream, NotApplicable)
    assert facts(DMI.format(maker="ASUS")).host.is_guest is False


def test_board_system_and_memory_nodes() -> None:
    host = facts(
        DMI.format(maker="ASUS"),
        file("/etc/issue", "Ubuntu 22.04.3 LTS \\n \\l"),
        file("/sys/devices/system/node/online", "0-1,3"),
    ).host
    assert host.board == "ASUSTeK COMPUTER INC. Pro WS WRX80E-SAGE"
    assert host.os_name == "Ubuntu 22.04.3 LTS"
    assert host.numa_node_count == 3
    released = file("/etc/os-release", 'NAME="x"\nPRETTY_NAME="Rocky Linux 9.3"')
    assert facts(released, file("/etc/issue", "\\S")).host.os_name == "Rocky Linux 9.3"


def test_a_library_that_answers_is_the_modules_and_one_that_is_refused_is_in_the_log() -> None:
    answer = "/usr/bin/nvidia-smi --query\n\n" + SMI
    assert facts(VERSION, answer).host.driver_libraries == DriverLibraries(
        "525.89.02", {"libnvidia-ml": "525.89.02"}, ""
    )
    refusal = "Failed to initialize NVML: Driver/library version mismatch"
    log = (
        "dmesg:\n\n[ 1.0] Linux version 6\n[ 9.000000] NVRM: API mismatch: the client has the "
        "version 530.30.02, but\n[ 9.000000] NVRM: this kernel module has the version 525.89.02."
    )
    refused = f"/usr/bin/nvidia-smi --query\n\n{refusal}"
    libraries = facts(VERSION, refused, log).host.driver_libraries
    assert libraries == DriverLibraries("525.89.02", {"libnvidia-ml": "530.30.02"}, refusal)


SMI = """==============NVSMI LOG==============

Driver Version                      : 525.89.02
CUDA Version                        : 12.0

Attached GPUs                       : 1
GPU 00000000:41:00.0
    Product Name                    : NVIDIA GeForce RTX 4090
    Persistence Mode                : Disabled
    FB Memory Usage
        Total                       : 24564 MiB
        Used                        : 800 MiB
    Processes
        Process ID                  : 12
            Type                    : C
            Name                    : /home/somebody/venv/bin/python train.py --key secret
            Used GPU Memory         : 752 MiB
"""


def test_how_long_it_took_is_in_no_file_and_a_refusal_is() -> None:
    answered = facts("/usr/bin/nvidia-smi --query\n\n" + SMI).host.driver_response
    assert answered == Missing("not-in-a-bug-report", "how long nvidia-smi took to answer")
    refused = facts("/usr/bin/nvidia-smi --query\n\nUnable to determine the device handle")
    assert refused.host.driver_response.outcome == "failed"  # type: ignore[union-attr]


def test_an_answer_that_was_cut_off_is_no_refusal() -> None:
    capture = read(as_text(report("/usr/bin/nvidia-smi --query\n\n" + SMI[:-300])), "f")
    cut = msgspec.structs.replace(capture.sources["smi-q"], truncated=True)
    sources = {**capture.sources, "smi-q": cut}
    found = understand(msgspec.structs.replace(capture, sources=sources)).host
    assert isinstance(found.driver_response, Missing)


@pytest.mark.parametrize(
    ("ids", "granted"),
    [
        (("2684", "2684", "2684"), False),  # GeForce 40: the stock driver grants it to none
        (("2684", "2684", "1d01"), False),  # a display card that nobody has catalogued
        (("2230", "2230", "2684"), None),  # A6000: it may
        (("2684", "1d01", "1d01"), None),
    ],
)
def test_peer_access_that_no_product_has_is_not_granted(
    ids: tuple[str, ...], granted: bool | None
) -> None:
    listing = LISTING
    for id in ids:
        listing = listing.replace("[10de:2684]", f"[10DE:{id}]", 1)
    told = facts(listing, TREE).host.peer_access_granted
    assert told is False if granted is False else isinstance(told, Missing)


def test_a_program_is_named_without_its_folders_and_words() -> None:
    (card, *_) = cards("/usr/bin/nvidia-smi --query\n\n" + SMI, LISTING)
    assert card.use.processes[0].name == "python"


@pytest.mark.parametrize(("state", "on"), [("active (running)", True), ("inactive (dead)", False)])
def test_the_daemon_stands_in_for_persistence_mode(state: str, on: bool) -> None:
    status = (
        "/usr/bin/systemctl status nvidia-suspend.service nvidia-persistenced.service\n"
        "○ nvidia-suspend.service - NVIDIA suspend\n     Active: active (exited)\n\n"
        f"● nvidia-persistenced.service - NVIDIA Persistence Daemon\n     Active: {state}\n"
    )
    (card, *_) = cards("/usr/bin/nvidia-smi --query\n\n" + SMI, LISTING, status)
    assert card.persistence_mode is on


INFORMATION = file(
    "/proc/driver/nvidia/./gpus/0000:41:00.0/information", "Model: \t NVIDIA GeForce RTX 4090"
)


def test_a_drivers_folder_that_the_file_lacks_is_no_lost_card() -> None:
    assert facts(VERSION, LISTING).host.gpu_counts == {"lspci": 3}
    assert facts(VERSION, LISTING, INFORMATION).host.gpu_counts == {"lspci": 3}
    all_three = [INFORMATION.replace("41:", f"{bus}:") for bus in ("41", "61", "62")]
    assert facts(VERSION, LISTING, *all_three).host.gpu_counts == {"lspci": 3, "proc": 3}


def test_memory_by_the_kernels_own_driver() -> None:
    log = "dmesg:\n\n[ 1.0] x\n[ 3.0] nouveau 0000:41:00.0: fb: 24564 MiB GDDR6X"
    assert cards(LISTING, log)[0].memory_total_mib == 24564
    assert isinstance(cards(LISTING, log)[1].memory_total_mib, Missing)


XID = "NVRM: Xid (PCI:0000:41:00): {}, pid=1, name=x"
LOAD = "Feb 14 08:00:04 host kernel: NVRM: loading NVIDIA UNIX x86_64 Kernel Module"
SCAN = f"""Scanning kernel log files for NVIDIA kernel messages:

  /var/log/kern.log:
Feb 12 01:00:00 host kernel: [ 9999.000000] {XID.format(79)}
Feb 14 08:00:05 host kernel: [    5.000000] NVRM: loading NVIDIA UNIX x86_64 Kernel Module
Feb 14 09:00:00 host kernel: [ 3600.000000] {XID.format(31)}

  journalctl -b -0:
{LOAD}
Feb 14 09:00:00 host kernel: {XID.format(31)}

  journalctl -b -1:
Feb 12 01:00:00 host kernel: {XID.format(79)}
"""
WRAPPED = f"dmesg:\n\n[ 3600.000000] {XID.format(31)}\n"


def test_one_event_in_four_logs_is_one_in_its_own_boot() -> None:
    card, other, _ = cards(LISTING, SCAN, WRAPPED)
    assert {(event.code, event.count, event.boot) for event in card.xids} == {
        (31, 1, 0), (79, 1, -1)
    }  # fmt: skip
    assert other.xids == ()  # the driver's own log of this boot is whole
    assert card.lost_signs == ()  # an earlier boot's


def test_grepped_lines_prove_no_sound_machine() -> None:
    host = facts(LISTING, SCAN.replace("79", "43"), WRAPPED).host
    assert isinstance(host.kernel_faults, Missing)
    begun = facts(LISTING, SCAN.replace("79", "43"), "dmesg:\n\n[ 0.000000] Linux version 6.2\n")
    assert begun.host.kernel_faults == ()
    without_load = cards(LISTING, SCAN.replace("loading NVIDIA", "x"), WRAPPED)
    assert isinstance(without_load[1].xids, Missing)
