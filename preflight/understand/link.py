"""The PCIe link of one card and of the bridges above it."""

from __future__ import annotations

from preflight.facts import Bridge, Fact, Missing, NotApplicable
from preflight.understand.cards import CardEvidence
from preflight.understand.driver_says import smi
from preflight.understand.evidence import Evidence
from preflight.understand.pci_tree import PciDevice, gen_of, lanes_of
from preflight.understand.picking import Picked, Picks, converted, count, first, whole
from preflight.understand.sources import Json, file
from preflight.understand.way import port

_HYPERVISOR = Missing("guest-view", "only the hypervisor knows the ports above")


def link(card: CardEvidence) -> Picks:
    return {
        "pcie_link_width": _now(card, "width", "CurrPcieLinkWidth"),
        "pcie_link_width_max": _limit(card, "width", "MaxPcieLinkWidth"),
        "pcie_link_gen": _now(card, "gen", "CurrPcieLinkGeneration"),
        "pcie_link_gen_max": _limit(card, "gen", "MaxPcieLinkGeneration"),
        "pcie_device_gen_max": first(
            ("nvml", card.nvml.get("GpuMaxPcieLinkGeneration", _generation)),
            ("smi-q", smi(card, "pcie_device_gen_max", _generation)),
            ("sysfs-pci", _own(card, "max", "gen")),
            ("lspci", _lspci(card, "capable", "gen")),
        ),
        "pcie_device_width_max": first(
            ("sysfs-pci", _own(card, "max", "width")),
            ("lspci", _lspci(card, "capable", "width")),
        ),
        "upstream": first((bus_source(card), upstream(card))),
        "uplink_shared_by": first((bus_source(card), uplink_shared_by(card))),
        "pcie_replays": first(
            ("nvml", card.nvml.get("PcieReplayCounter", count)),
            ("smi-q", smi(card, "replay_counter", count)),
        ),
        "numa_node": _numa_node(card),
        "iommu_group": first(("sysfs-pci", _iommu_group(card))),
    }


def ports_above(card: CardEvidence) -> tuple[PciDevice, ...] | Missing:
    """The bridges from the card's own port up to the root port."""
    if card.host.is_guest:
        return _HYPERVISOR
    if isinstance(card.sysfs, Missing):
        return _ports_by_lspci(card)
    tree = card.host.sysfs
    assert not isinstance(tree, Missing)  # the card is out of it
    return tuple(tree.get(pci, PciDevice(pci, ())) for pci in card.sysfs.above)


def _ports_by_lspci(card: CardEvidence) -> tuple[PciDevice, ...] | Missing:
    host = card.host
    if isinstance(host.ways, Missing) or card.pci not in host.ways:
        assert isinstance(card.sysfs, Missing)
        return card.sysfs
    return tuple(port(pci, host.lspci, host.pci_ids) for pci in host.ways[card.pci])


def bus_source(card: CardEvidence) -> str:
    """The source that tells of the ports above the card."""
    return "lspci" if isinstance(card.sysfs, Missing) else "sysfs-pci"


def above(host: Evidence, pci: str) -> tuple[str, ...] | None:
    """Addresses of the ports above a device, nearest first; None where no source tells."""
    if not isinstance(host.sysfs, Missing):
        return host.sysfs[pci].above if pci in host.sysfs else None
    return None if isinstance(host.ways, Missing) else host.ways.get(pci)


def uplink_shared_by(card: CardEvidence) -> Fact[tuple[str, ...]]:
    """Cards that hang on the same root port, by a switch; () where this one has it alone."""
    if card.host.is_guest:
        return NotApplicable("a guest cannot see the ports above its cards")
    own = above(card.host, card.pci)
    if not own:
        return Missing("not-present", "no port above the card could be read")
    others = [(pci, above(card.host, pci)) for pci in card.all_cards]
    sharing = tuple(
        f"gpu{card.all_cards.index(pci)}" for pci, way in others if way and way[-1] == own[-1]
    )
    return sharing if len(sharing) > 1 else ()


def upstream(card: CardEvidence) -> Fact[tuple[Bridge, ...]]:
    if card.host.is_guest:
        return NotApplicable("a guest cannot see the ports above its cards")
    ports = ports_above(card)
    if isinstance(ports, Missing):
        return ports
    return tuple(_bridge(port, port is ports[-1]) for port in ports)


def _bridge(port: PciDevice, is_root_port: bool) -> Bridge:
    return Bridge(
        pci=port.pci,
        link_gen=_plain(_sysfs(port, "current", "gen")),
        link_gen_max=_plain(_sysfs(port, "max", "gen")),
        link_width=_plain(_sysfs(port, "current", "width")),
        link_width_max=_plain(_sysfs(port, "max", "width")),
        is_root_port=is_root_port,
    )


def _now(card: CardEvidence, what: str, call: str) -> Picked:
    return first(
        ("nvml", card.nvml.get(call, _CONVERT[what])),
        ("smi-q", smi(card, f"pcie_{what}.current", _CONVERT[what])),
        ("sysfs-pci", _own(card, "current", what)),
        ("lspci", _lspci(card, "current", what)),
    )


def _limit(card: CardEvidence, what: str, call: str) -> Picked:
    """What card and slot can carry together: the least of what each of them can.

    The driver's own maximum knows a slot's generation and not its lanes: in an x8 slot it says 16
    (two RTX 3080 under 535.288). So the port above is asked too.
    """
    together = first(
        ("nvml", card.nvml.get(call, _CONVERT[what])),
        ("smi-q", smi(card, f"pcie_{what}.max", _CONVERT[what])),
        ("sysfs-pci", _own(card, "max", what)),
        ("lspci", _lspci(card, "capable", what)),
    )
    slot = _port(card, what)
    if isinstance(together.value, int) and isinstance(slot, int) and slot < together.value:
        return Picked(slot, bus_source(card))
    return together


def _own(card: CardEvidence, when: str, what: str) -> Fact[int]:
    """The card's own end of the link by sysfs; in a guest that end is the hypervisor's making."""
    if isinstance(card.sysfs, Missing):
        return card.sysfs
    if card.host.is_guest:
        return Missing("guest-view", "the link that a guest sees is made up")
    return _sysfs(card.sysfs, when, what)


def _port(card: CardEvidence, what: str) -> Fact[int]:
    ports = ports_above(card)
    if isinstance(ports, Missing):
        return ports
    return _sysfs(ports[0], "max", what) if ports else Missing("not-present", "no port above")


def _sysfs(device: PciDevice, when: str, what: str) -> Fact[int]:
    if what == "gen":
        return converted(device.read(f"{when}_link_speed"), gen_of)
    width = device.read(f"{when}_link_width")
    if width == _ALL_ONES:
        return Missing("gpu-lost", "its link register reads as all ones")
    return converted(width, lanes_of)


def _lspci(card: CardEvidence, when: str, what: str) -> Fact[int]:
    if isinstance(card.lspci, Missing):
        return card.lspci
    if card.host.is_guest:
        return Missing("guest-view", "the link that a guest sees is made up")
    if card.lspci.get("access_denied"):
        return Missing("not-permitted", "lspci: Capabilities: <access denied>")
    ends: Json = (card.lspci.get("link") or {}).get(when) or {}
    if ends.get(what) is None:
        return Missing("not-present", "lspci shows no link")
    return converted(ends[what], _CONVERT[what])


def _numa_node(card: CardEvidence) -> Picked:
    if card.host.is_guest:
        return Picked(Missing("guest-view", "the hypervisor places the card"))
    return first(
        ("sysfs-pci", _numa_node_by_sysfs(card)),
        ("bug-report", _numa_node_of_report(card)),
        ("lspci", _numa_node_by_lspci(card)),
    )


def _numa_node_by_sysfs(card: CardEvidence) -> Fact[int]:
    if isinstance(card.sysfs, Missing):
        return card.sysfs
    return converted(card.sysfs.read("numa_node"), whole)


def _numa_node_of_report(card: CardEvidence) -> Fact[int]:
    path = f"/sys/bus/pci/devices/{card.pci}/numa_node"
    return converted(file(card.host.capture, "bug-report", path), whole)


def _numa_node_by_lspci(card: CardEvidence) -> Fact[int]:
    if isinstance(card.lspci, Missing):
        return card.lspci
    if card.lspci["numa_node"] is None:
        return Missing("not-present", "lspci shows no NUMA node")
    return converted(card.lspci["numa_node"], whole)


def _iommu_group(card: CardEvidence) -> Fact[int]:
    if isinstance(card.sysfs, Missing):
        return card.sysfs
    target = card.sysfs.links.get("iommu_group")
    if target is None:
        return NotApplicable("no IOMMU is in use")
    return converted(target.rpartition("/")[2], whole)


def _generation(value: object) -> int | None:
    generation = whole(value)
    return generation if generation is not None and 1 <= generation <= 8 else None


def _plain(fact: Fact[int]) -> int | None:
    return fact if isinstance(fact, int) else None


_ALL_ONES = "63"  # lanes: six bits of a device that no longer answers
_CONVERT = {"width": lanes_of, "gen": _generation}
