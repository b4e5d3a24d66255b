"""Chipset or processor, windows with and without addresses, size of packets."""

from __future__ import annotations

import pytest

from preflight.capture import Source
from preflight.facts import Gpu, Missing, NotApplicable
from preflight.understand import understand
from preflight.understand.chipsets import chipset
from tests.understand.build import CARDS, LINK, RTX4090, bare, bridge, command, files, pci_device

ROOT = "/sys/devices/pci0000:00/0000:00:01.2"
UP, DOWN = f"{ROOT}/0000:02:00.0", f"{ROOT}/0000:02:00.0/0000:03:01.0"
CARD = f"{DOWN}/0000:04:00.0"
GOOD = (
    "0x00000000f0000000 0x00000000f0ffffff 0x0000000000040200\n"
    "0x0000018000000000 0x00000187ffffffff 0x000000000014220c\n"
    "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
    "0x0000018800000000 0x0000018801ffffff 0x000000000014220c\n"
    "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
    "0x0000000000004000 0x000000000000407f 0x0000000000040101\n"
    "0x00000000f1000000 0x00000000f107ffff 0x0000000000046200"
)
WINDOW = "0x0000018000000000 0x00000187ffffffff 0x000000000014220c"


def card(tree: Source, **sources: Source) -> Gpu:
    builder = bare()
    builder.sources.pop("nvml")
    found = understand(builder.capture(sysfs_pci=tree, **sources)).gpus
    assert isinstance(found, tuple)
    return found[0]


def chain(*ports: tuple[str, str, str]) -> Source:
    tree = pci_device(CARD, **RTX4090)
    for path, vendor, device in ports:
        tree |= bridge(path, vendor=f"0x{vendor}", device=f"0x{device}", **LINK)
    return files(tree)


X570 = (ROOT, "1022", "1483"), (UP, "1022", "57ad"), (DOWN, "1022", "57a3")
SWITCH = (ROOT, "1022", "1483"), (UP, "10b5", "8747"), (DOWN, "10b5", "8747")


def test_the_port_of_a_chipset_is_named() -> None:
    assert card(chain(*X570)).chipset_port == "AMD X570 port 0000:03:01.0"


def test_a_switch_on_the_processors_lanes_is_no_chipset() -> None:
    assert card(chain(*SWITCH)).chipset_port == ""


def test_a_port_without_ids_is_not_taken_for_the_processors() -> None:
    tree = chain(*SWITCH)
    kept = {path: text for path, text in tree.files.items() if path != f"{UP}/vendor"}
    assert isinstance(card(files(kept)).chipset_port, Missing)


def test_a_guest_cannot_know() -> None:
    found = card(chain(*X570), detect_virt=command("kvm\n"))
    assert isinstance(found.chipset_port, NotApplicable)


@pytest.mark.parametrize(
    "vendor, device, name",
    [
        ("8086", "a330", "Intel 300 series"),
        ("8086", "7a38", "Intel 700 series"),  # Z790 UD AC, 00:1c.0
        ("8086", "8d10", "Intel C610/X99"),
        ("8086", "a190", "Intel C620"),
        ("1022", "43f5", "AMD 600 series"),
        ("1022", "43ea", "AMD 500 series"),
        ("8086", "a70d", None),  # the processor's x16 of that Z790
        ("8086", "2030", None),
        ("8086", "2f02", None),
        ("1022", "1483", None),
        ("1022", "14db", None),
        ("10b5", "8747", None),
        ("8086", "43f5", None),  # AMD's number, another maker's device
    ],
)
def test_ports_that_recorded_machines_show(vendor: str, device: str, name: str | None) -> None:
    assert chipset(vendor, device) == name


@pytest.mark.parametrize(
    "resource, unassigned",
    [
        (GOOD, ()),
        (GOOD.replace(WINDOW, WINDOW.replace("0x0000000000142", "0x0000000020142")), ("BAR 1",)),
        (
            GOOD.replace(WINDOW, "0x0000000000000000 0x00000007ffffffff 0x000000002014220c"),
            ("BAR 1",),
        ),
        ("\n".join(["0x0 0x0 0x0", *GOOD.split("\n")[1:]]), ("BAR 0",)),
        (
            "\n".join([GOOD.split("\n")[0], *["0x0 0x0 0x0"] * 4, GOOD.split("\n")[5]]),
            ("the window on its memory",),
        ),
        (GOOD[:200], Missing("not-parsed", "resource")),
    ],
)
def test_windows(resource: str, unassigned: object) -> None:
    tree = pci_device(CARDS[0], resource=resource, **RTX4090)
    assert card(files(tree)).unassigned_bars == unassigned


def test_a_card_that_the_driver_drives_has_its_windows() -> None:
    found = understand(bare(BAR1MemoryInfo={"bar1Total": 1 << 28}).capture()).gpus
    assert isinstance(found, tuple)
    assert (found[0].unassigned_bars, found[0].sources["unassigned_bars"]) == ((), "nvml")


def space(control: str, device: str = "e18d2c11") -> str:
    """64 bytes of header whose list begins at 40h, and a PCI Express capability there."""
    return "00" * 0x34 + "40" + "00" * 11 + f"10001200{device}{control}" + "00" * 20


@pytest.mark.parametrize(
    "config, used",
    [
        (space("30290900"), 256),  # Device Control 2930h
        (space("10290900"), 128),
        ("", Missing("not-present", "config")),
        ("00" * 64, Missing("not-permitted", "only root may read the configuration space")),
        (
            "00" * 0x34 + "40" + "00" * 11 + "0140" + "00" * 30,
            Missing("not-present", "the configuration space shows no PCI Express capability"),
        ),
    ],
)
def test_payload(config: str, used: object) -> None:
    tree = pci_device(CARDS[0], **RTX4090)
    found = card(files(tree, binary={f"{CARDS[0]}/config": config}))
    assert found.pcie_max_payload_bytes == used


def test_memory_nodes() -> None:
    builder = bare()
    tree = files(
        pci_device(CARDS[0], numa_node="0", **RTX4090)
        | pci_device(CARDS[1], numa_node="-1", **RTX4090)
    )
    lscpu = command("Flags: fpu\nNUMA node(s):          2\n")
    host = understand(builder.capture(sysfs_pci=tree, lscpu=lscpu)).host
    assert host.gpu_numa_nodes == {"gpu0": 0, "gpu1": -1}
    assert host.numa_node_count == 2
