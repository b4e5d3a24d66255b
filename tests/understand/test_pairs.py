"""The way between two cards, and peer access as granted and as expected."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.capture import NvmlCall, Source
from preflight.facts import Facts, Missing
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

TOPO = "\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \t{0}\t0-31\nGPU1\t{0}\t X \t0-31\n\n"
P2P = " \tGPU0\tGPU1\t\n GPU0\tX\t{0}\t\n GPU1\t{1}\tX\t\n\n"


def facts(id: str = "2684", **sources: Source | None) -> Facts:
    """Two equal cards of one PCI device id."""
    tree = files(pci_device(CARDS[0], device=f"0x{id}") | pci_device(CARDS[1], device=f"0x{id}"))
    return understand(bare().capture(**{"sysfs_pci": tree} | sources))


def test_the_table_speaks_of_nvmls_numbers() -> None:
    """NVML's GPU0 is our gpu1 here."""
    backwards = nvml(device(0, ADDRESSES[1]), device(1, ADDRESSES[0]))
    found = facts(nvml=backwards, smi_topo=command(TOPO.format("NODE")),
                  smi_p2p_r=command(P2P.format("OK", "CNS")))  # fmt: skip
    (pair,) = found.pairs
    one, two = found.peer_paths
    assert (pair.subject, pair.topology) == ("gpu0-gpu1", "NODE")
    assert (one.subject, one.peer_read, one.peer_read_back) == ("gpu0>gpu1", "CNS", "OK")
    assert (two.subject, two.peer_read, two.peer_read_back) == ("gpu1>gpu0", "OK", "CNS")
    assert one.sources["peer_read"] == "smi-p2p-r"
    assert one.peer_write == Missing("not-collected")


def with_calls(**values: Any) -> Source:
    system = {f"nvmlDeviceGet{name}": NvmlCall(value) for name, value in values.items()}
    return nvml(device(0, ADDRESSES[0]), device(1, ADDRESSES[1]), system=system)


@pytest.mark.parametrize(
    "value, found",
    [(10, "PIX"), (20, "PXB"), (30, "PHB"), (40, "NODE"), (50, "SYS"), (0, None), ("x", None)],
)
def test_nvml_tells_the_way_where_nvidia_smi_does_not(value: Any, found: str | None) -> None:
    source = with_calls(**{"TopologyCommonAncestor(0,1)": value})
    (pair,) = facts(nvml=source, smi_topo=with_status(command(), "tool-absent")).pairs
    assert pair.topology == (found or Missing("not-parsed", str(value)))


@pytest.mark.parametrize(
    "value, found", [(0, "OK"), (1, "CNS"), (2, "GNS"), (3, "TNS"), (4, "DR"), (5, "NS"), (6, "U")]
)
def test_nvml_tells_what_is_granted(value: int, found: str) -> None:
    one, _ = facts(nvml=with_calls(**{"P2PStatus(0,1,WRITE)": value})).peer_paths
    assert one.peer_write == found


@pytest.mark.parametrize("value", ["x", None, 7, -1, [0], True])
def test_a_status_that_is_none_is_not_granted(value: Any) -> None:
    one, _ = facts(nvml=with_calls(**{"P2PStatus(0,1,READ)": value})).peer_paths
    assert isinstance(one.peer_read, Missing)


@pytest.mark.parametrize(
    "id, way, expected, is_geforce",
    [
        ("2684", "PHB", False, True),  # 40 series: never
        ("2684", "NV4", False, True),
        ("2204", "PHB", False, True),  # 3090 without a bridge
        ("2204", "NV4", True, True),
        ("2330", "NV18", True, False),
        ("26b9", "SYS", True, False),  # L40S: over PCIe
        ("9999", "PHB", "the catalogue has no card with id 10de:9999", False),
    ],
)
def test_what_the_stock_driver_grants(
    id: str, way: str, expected: object, is_geforce: bool
) -> None:
    one, _ = facts(id, smi_topo=command(TOPO.format(way))).peer_paths
    if isinstance(expected, str):
        assert one.peer_expected == Missing("not-present", expected)
    else:
        assert one.peer_expected is expected
        assert one.is_geforce is is_geforce


def test_a_bridged_product_whose_way_is_not_known() -> None:
    one, _ = facts("2204", smi_topo=with_status(command(), "timed-out")).peer_paths
    assert one.peer_expected == Missing("timed-out")


def test_different_models_are_no_peers() -> None:
    tree = pci_device(CARDS[0], device="0x2330") | pci_device(CARDS[1], device="0x26b9")
    one, _ = facts(sysfs_pci=files(tree), smi_topo=command(TOPO.format("PHB"))).peer_paths
    assert one.peer_expected is False
    mixed = pci_device(CARDS[0], device="0x2684") | pci_device(CARDS[1], device="0x26b9")
    one, two = facts(sysfs_pci=files(mixed)).peer_paths
    assert (one.is_geforce, two.is_geforce) == (True, True)


def test_in_a_guest_only_nvlink_is_real() -> None:
    inside = {"detect_virt": command("kvm\n")}
    found = facts("26b9", smi_topo=command(TOPO.format("PHB")), **inside)
    assert found.pairs[0].topology == Missing("guest-view", "the hypervisor shows PHB")
    assert found.peer_paths[0].peer_expected == Missing(
        "guest-view", "the hypervisor decides over peers on PCIe"
    )
    found = facts("2330", smi_topo=command(TOPO.format("NV18")), **inside)
    assert found.pairs[0].topology == "NV18"
    assert found.peer_paths[0].peer_expected is True


def test_a_card_without_an_index_has_no_row() -> None:
    alone = nvml(device(0, ADDRESSES[0]))
    found = facts(nvml=alone, smi_topo=command("\tGPU0\tCPU Affinity\nGPU0\t X \t0-31\n\n"))
    assert found.pairs[0].topology == Missing("not-present", "nvidia-smi does not list this card")


def test_eight_cards_have_28_pairs_and_56_ways() -> None:
    paths = [f"/sys/devices/pci0000:0{n}/0000:0{n}:00.0" for n in range(1, 9)]
    tree: dict[str, str] = {}
    for path in paths:
        tree |= pci_device(path)
    found = facts(sysfs_pci=files(tree), nvml=nvml())
    assert len(found.pairs) == 28
    assert len(found.peer_paths) == 56
    assert found.pairs[-1].subject == "gpu6-gpu7"
