"""The link of a card and of the ports above it, and what those ports report."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.capture import Source
from preflight.facts import AerCounts, Bridge, Gpu, Missing, NotApplicable
from preflight.understand import understand
from tests.understand.build import (
    ADDRESSES,
    CARDS,
    LINK,
    ROOTS,
    RTX4090,
    bare,
    bridge,
    changed,
    command,
    files,
    nvml,
    pci_device,
    with_status,
)

SILENT = {"nvml": nvml()}  # the library answers and lists no card: only the bus speaks


def card(**sources: Source | None) -> Gpu:
    return understand(bare().capture(**sources)).gpus[0]  # type: ignore[index]


def bus(path: str, name: str, text: str | None) -> dict[str, Source]:
    """SILENT, with one file of sysfs changed."""
    return SILENT | {"sysfs_pci": changed(bare().sources["sysfs-pci"], f"{path}/{name}", text)}


@pytest.mark.parametrize(
    "nvml_max, port_max, width_max, source",
    [
        (16, "16", 16, "nvml"),
        (16, "8", 8, "sysfs-pci"),  # the driver does not know that the slot has eight lanes
        (8, "16", 8, "nvml"),
        (16, "255", 16, "nvml"),
        (16, None, 16, "nvml"),
    ],
)
def test_the_least_of_card_and_slot_is_what_they_carry_together(
    nvml_max: int, port_max: str | None, width_max: int, source: str
) -> None:
    tree = bus(ROOTS[0], "max_link_width", port_max)["sysfs_pci"]
    builder = bare(MaxPcieLinkWidth=nvml_max, CurrPcieLinkWidth=8)
    gpu = understand(builder.capture(sysfs_pci=tree)).gpus[0]  # type: ignore[index]
    assert (gpu.pcie_link_width, gpu.pcie_link_width_max) == (8, width_max)
    assert gpu.sources["pcie_link_width_max"] == source


@pytest.mark.parametrize(
    "path, name, text, field, value",
    [
        (CARDS[0], "current_link_width", "4", "pcie_link_width", 4),
        (CARDS[0], "max_link_width", "8", "pcie_link_width_max", 8),
        (ROOTS[0], "max_link_width", "4", "pcie_link_width_max", 4),
        (CARDS[0], "current_link_speed", "16.0 GT/s PCIe", "pcie_link_gen", 4),
        (CARDS[0], "current_link_speed", "8 GT/s", "pcie_link_gen", 3),  # kernels before 5.7
        (ROOTS[0], "max_link_speed", "8.0 GT/s PCIe", "pcie_link_gen_max", 3),
        (CARDS[0], "max_link_speed", "32.0 GT/s PCIe", "pcie_device_gen_max", 5),
        (CARDS[0], "max_link_width", "8", "pcie_device_width_max", 8),
        (CARDS[0], "numa_node", "-1", "numa_node", -1),
    ],
)
def test_sysfs_speaks_where_the_driver_is_silent(
    path: str, name: str, text: str, field: str, value: int
) -> None:
    gpu = card(**bus(path, name, text))
    assert getattr(gpu, field) == value
    assert gpu.sources[field] == "sysfs-pci"


@pytest.mark.parametrize("text", ["0", "Unknown", ""])
def test_lanes_that_no_link_has_are_no_reading(text: str) -> None:
    found = card(**bus(CARDS[0], "current_link_width", text)).pcie_link_width
    assert found == Missing("not-parsed", text)


def test_a_card_that_does_not_answer_shows_all_ones() -> None:
    found = card(**bus(CARDS[0], "current_link_width", "63")).pcie_link_width
    assert found == Missing("gpu-lost", "its link register reads as all ones")


def test_an_unknown_speed_is_no_reading() -> None:
    gpu = card(**bus(CARDS[0], "current_link_speed", "Unknown speed"))
    assert gpu.pcie_link_gen == Missing("not-parsed", "Unknown speed")


def test_lspci_speaks_where_sysfs_is_not_there() -> None:
    listing = (
        "0000:41:00.0 VGA compatible controller [0300]: NVIDIA Corporation AD102 [10de:2684]\n"
        "\t\tLnkCap:\tPort #0, Speed 16GT/s, Width x16, ASPM L1\n"
        "\t\tLnkSta:\tSpeed 2.5GT/s (downgraded), Width x8 (downgraded)\n\n"
    )
    gpu = card(**SILENT, sysfs_pci=None, lspci=command(listing))
    assert (gpu.pcie_link_width, gpu.pcie_link_width_max) == (8, 16)
    assert (gpu.pcie_link_gen, gpu.pcie_link_gen_max) == (1, 4)
    denied = listing.partition("\t\tLnkCap")[0] + "\tCapabilities: <access denied>\n\n"
    gpu = card(**SILENT, sysfs_pci=None, lspci=command(denied))
    assert gpu.pcie_link_width == Missing("not-permitted", "lspci: Capabilities: <access denied>")


def test_the_ports_above_from_the_card_up() -> None:
    switch = f"{ROOTS[0]}/0000:41:00.0/0000:42:08.0"
    tree = (
        bridge(ROOTS[0], **LINK)
        | bridge(f"{ROOTS[0]}/0000:41:00.0", **LINK | {"current_link_width": "4"})
        | bridge(switch, **LINK | {"max_link_speed": "Unknown"})
        | pci_device(f"{switch}/0000:43:00.0", **RTX4090)
    )
    assert card(sysfs_pci=files(tree), nvml=None).upstream == (
        Bridge("0000:42:08.0", 1, None, 16, 16, is_root_port=False),
        Bridge("0000:41:00.0", 1, 4, 4, 16, is_root_port=False),
        Bridge("0000:40:01.1", 1, 4, 16, 16, is_root_port=True),
    )


def test_a_guests_own_bus_says_nothing_of_the_real_one() -> None:
    gpu = card(detect_virt=command("kvm\n"), **SILENT)
    for name in ("pcie_link_width", "pcie_link_width_max", "pcie_link_gen", "numa_node"):
        assert getattr(gpu, name).reason == "guest-view", name
    assert isinstance(gpu.upstream, NotApplicable)
    assert isinstance(gpu.acs_redirecting, NotApplicable)
    assert gpu.upstream_limits == Missing("guest-view", "only the hypervisor knows the ports above")


# What the ports report: a listing of root port and card, as root sees it.
PORT = "0000:40:01.1 PCI bridge [0604]: AMD Starship/Matisse GPP Bridge [1022:1483]\n"
SPEAKS = "\tCapabilities: [2a0 v1] Access Control Services\n\t\tACSCtl:\t{}\n"
ERRORS = "\t\tUESta:\t{}\n\t\tCESta:\t{}\n"
GPU = "0000:41:00.0 VGA compatible controller [0300]: NVIDIA Corporation AD102 [10de:2684]\n"


def listing(port: str = "", own: str = "") -> Source:
    return command(f"{PORT}{port}\tx: y\n\n{GPU}{own}\tx: y\n\n")


@pytest.mark.parametrize(
    "control, redirecting",
    [
        ("SrcValid+ TransBlk- ReqRedir+ CmpltRedir+", ("0000:40:01.1",)),
        ("SrcValid- TransBlk- ReqRedir+ CmpltRedir-", ("0000:40:01.1",)),
        ("SrcValid+ TransBlk- ReqRedir- CmpltRedir-", ("0000:40:01.1",)),
        ("SrcValid- TransBlk- ReqRedir- CmpltRedir-", ()),
    ],
)
def test_ports_that_redirect(control: str, redirecting: tuple[str, ...]) -> None:
    assert card(lspci=listing(SPEAKS.format(control))).acs_redirecting == redirecting


@pytest.mark.parametrize(
    "lspci, found",
    [
        (listing(), ()),  # a port without the capability redirects nothing
        (
            listing("\tCapabilities: <access denied>\n"),
            Missing("not-permitted", "lspci: Capabilities: <access denied>"),
        ),
        (command(GPU + "\n"), Missing("not-present", "lspci does not list 0000:40:01.1")),
        (with_status(command(), "tool-absent", "lspci"), Missing("tool-absent", "lspci")),
    ],
)
def test_where_redirection_is_not_known(lspci: Source, found: object) -> None:
    assert card(lspci=lspci).acs_redirecting == found


COUNTERS = {
    "aer_dev_correctable": "RxErr 3\nBadTLP 4\nTOTAL_ERR_COR 7",
    "aer_dev_nonfatal": "Undefined 0\nTOTAL_ERR_NONFATAL 0",
    "aer_dev_fatal": "Undefined 0\nTOTAL_ERR_FATAL 1",
}


def counters(path: str) -> Source:
    tree = bare().sources["sysfs-pci"]
    for name, text in COUNTERS.items():
        tree = changed(tree, f"{path}/{name}", text)
    return tree


def test_the_kernels_counters_port_by_port() -> None:
    gpu = card(sysfs_pci=counters(ROOTS[0]))
    port = "0000:40:01.1"
    assert gpu.aer == AerCounts({port: 7}, {port: 0}, {port: 1}, {}, {})
    assert gpu.sources["aer"] == "sysfs-pci"


def test_lines_of_the_log_count_where_they_are_more_than_the_counter() -> None:
    line = "[9.0] pcieport 0000:40:01.1: PCIe Bus Error: severity=Corrected, type=Physical Layer\n"
    gpu = card(sysfs_pci=counters(ROOTS[0]), dmesg=command(line * 9))
    assert gpu.aer.corrected == {"0000:40:01.1": 9}  # type: ignore[union-attr]
    both = {"dmesg": command(line * 9), "journal_kernel": command(line * 8)}
    assert card(**both).aer == AerCounts({"0000:40:01.1": 9}, {}, {}, {}, {})  # no event twice


def test_sticky_bits_of_hosts_whose_firmware_logs_nothing() -> None:
    bits = ERRORS.format("DLP- CmpltTO+ UncorrIntErr-", "RxErr+ BadTLP- Timeout+")
    gpu = card(lspci=listing(own=bits))
    own = ADDRESSES[0]
    assert gpu.aer == AerCounts({}, {}, {}, {own: ("RxErr", "Timeout")}, {own: ("CmpltTO",)})
    assert gpu.sources["aer"] == "lspci"


@pytest.mark.parametrize(
    "sources, why",
    [
        ({"lspci": listing()}, "not-present"),
        ({"lspci": with_status(command(), "tool-absent")}, "tool-absent"),
        ({"lspci": listing(own="\tCapabilities: <access denied>\n")}, "not-permitted"),
        ({"detect_virt": command("kvm\n")}, "guest-view"),
    ],
)
def test_a_silent_log_alone_counts_nothing(sources: dict[str, Any], why: str) -> None:
    found = card(**sources).aer
    assert isinstance(found, Missing)
    assert found.reason == why
