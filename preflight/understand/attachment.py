"""How a card is attached: through a chipset, with addresses for its windows, in which packets."""

from __future__ import annotations

import re

from preflight.facts import Fact, Missing, NotApplicable
from preflight.understand.cards import CardEvidence
from preflight.understand.chipsets import chipset
from preflight.understand.link import bus_source, ports_above
from preflight.understand.pci_tree import PciDevice
from preflight.understand.picking import Picks, first, whole

_ID = re.compile(r"0x([0-9a-f]{4})")
_RESOURCE = re.compile(r"0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16})")
# The kernel's linux/ioport.h.
_IS_MEMORY = 0x200
_IS_UNSET = 0x20000000
_BARS = 6
# PCI Express Base Specification 5.0, 7.5.3: capability 10h, Device Capabilities and Control.
_EXPRESS, _DEVICE_CAPABILITIES, _DEVICE_CONTROL = 0x10, 4, 8
_FIRST_CAPABILITY, _HEADER = 0x34, 0x40
_PAYLOAD = 128  # bytes; each step doubles it
_NO_SPACE = Missing("not-present", "its configuration space")


def attachment(card: CardEvidence) -> Picks:
    used, able = _payload(card)
    return {
        "chipset_port": first((bus_source(card), _chipset_port(card))),
        "pcie_max_payload_bytes": first(
            ("sysfs-pci", used), ("lspci", _payload_by_lspci(card, "used"))
        ),
        "pcie_max_payload_able_bytes": first(
            ("sysfs-pci", able), ("lspci", _payload_by_lspci(card, "able"))
        ),
        "unassigned_bars": first(
            ("sysfs-pci", _unassigned(card)),
            ("lspci", _unassigned_by_lspci(card)),
            ("nvml", _mapped(card)),
        ),
    }


def _chipset_port(card: CardEvidence) -> Fact[str]:
    if card.host.is_guest:
        return NotApplicable("a guest cannot see the ports above its cards")
    above = ports_above(card)
    if isinstance(above, Missing):
        return above
    if not above:
        return Missing("not-present", "no port above the card could be read")
    for port in above:
        ids = _id(port, "vendor"), _id(port, "device")
        if ids[0] is None or ids[1] is None:
            return Missing("not-parsed", f"{port.pci} tells no ids")
        name = chipset(ids[0], ids[1])
        if name:
            return f"{name} port {port.pci}"
    return ""


def _id(port: PciDevice, name: str) -> str | None:
    match = _ID.fullmatch(port.files.get(name, "").strip())
    return match.group(1) if match else None


def _unassigned(card: CardEvidence) -> Fact[tuple[str, ...]]:
    """BAR 0, and any further window on memory: every NVIDIA card has both.

    The kernel either marks a window without addresses as unset, or clears the whole line.
    """
    if isinstance(card.sysfs, Missing):
        return card.sysfs
    listed = card.sysfs.read("resource")
    if isinstance(listed, Missing):
        return listed
    lines = [_RESOURCE.fullmatch(line.strip()) for line in listed.splitlines()[:_BARS]]
    if len(lines) < _BARS or None in lines:
        return Missing("not-parsed", "resource")
    bars = [tuple(int(part, 16) for part in line.groups()) for line in lines if line]
    unset = [
        f"BAR {place}"
        for place, (start, _, flags) in enumerate(bars)
        if flags & _IS_MEMORY and (flags & _IS_UNSET or start == 0)
    ]
    placed = [place for place, (start, _, flags) in enumerate(bars) if start and flags & _IS_MEMORY]
    if not unset and 0 not in placed:
        unset.append("BAR 0")
    if not unset and not any(place > 0 for place in placed):
        unset.append("the window on its memory")
    return tuple(unset)


def _unassigned_by_lspci(card: CardEvidence) -> Fact[tuple[str, ...]]:
    """Only a whole list of regions counts: one without a number says nothing of its place."""
    if isinstance(card.lspci, Missing):
        return card.lspci
    bars = card.lspci["bars"]
    if len(bars) < 2 or not any(bar["listed"] for bar in bars):
        return Missing("not-present", "lspci shows no region")
    if any(bar["index"] is None for bar in bars):  # lspci -v names no numbers
        placed = not any(_is_nowhere(bar["address"]) for bar in bars)
        return () if placed else Missing("not-present", "lspci shows no region")
    return tuple(f"BAR {bar['index']}" for bar in bars if _is_nowhere(bar["address"]))


def _is_nowhere(address: str | None) -> bool:
    return address is None or int(address, 16) == 0


def _mapped(card: CardEvidence) -> Fact[tuple[str, ...]]:
    """The driver starts no card without its windows, so that one whose window it names has them."""
    size = card.nvml.part("BAR1MemoryInfo", "bar1Total", whole)
    if not isinstance(size, int):
        return size
    return () if size > 0 else ("BAR 1",)


def _payload(card: CardEvidence) -> tuple[Fact[int], Fact[int]]:
    """(in use, what the card can), from its configuration space."""
    if isinstance(card.sysfs, Missing):
        return card.sysfs, card.sysfs
    space = bytes.fromhex(_even(card.sysfs.config.get("config", "")))
    if not space:
        unread = card.sysfs.read("config")
        why = unread if isinstance(unread, Missing) else _NO_SPACE
        return why, why
    if len(space) <= _HEADER:
        why = Missing("not-permitted", "only root may read the configuration space")
        return why, why
    place = _capability(space, _EXPRESS)
    if place is None:
        why = Missing("not-present", "the configuration space shows no PCI Express capability")
        return why, why
    able = space[place + _DEVICE_CAPABILITIES] & 7
    used = space[place + _DEVICE_CONTROL] >> 5 & 7
    return _PAYLOAD << used, _PAYLOAD << able


def _payload_by_lspci(card: CardEvidence, side: str) -> Fact[int]:
    if isinstance(card.lspci, Missing):
        return card.lspci
    told = card.lspci["max_payload_bytes"]
    return told[side] if told else Missing("not-present", "lspci shows no payload size")


def _even(digits: str) -> str:
    """Whole bytes of hexadecimal, up to the first character that is none."""
    match = re.match(r"(?:[0-9a-fA-F]{2})*", digits[:8192])
    return match.group() if match else ""


def _capability(space: bytes, wanted: int) -> int | None:
    """Where the capability of this number lies; a list that loops has an end all the same."""
    place = space[_FIRST_CAPABILITY] & 0xFC
    for _ in range(48):
        if place < _HEADER or place + _DEVICE_CONTROL + 2 > len(space):
            return None
        if space[place] == wanted:
            return place
        place = space[place + 1] & 0xFC
    return None
