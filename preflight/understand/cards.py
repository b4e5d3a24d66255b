"""Which NVIDIA cards there are, and what each source says of each of them.

A card keeps its number when it dies: the numbers follow the PCI addresses of all cards that any
source knows, not the driver's list. In a container the bus of the whole host can be seen, while
only some cards were handed in: there the driver's own list is what counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import TypeVar

from preflight.capture import NvmlDevice
from preflight.facts import NOT_COLLECTED, Missing
from preflight.understand import nvml
from preflight.understand.evidence import Evidence
from preflight.understand.nvml import NvmlCard
from preflight.understand.pci_tree import PciDevice, order
from preflight.understand.picking import Picked, whole
from preflight.understand.sources import Json, file

T = TypeVar("T")

_SOURCES = {
    "nvml": "nvml",
    "smi": "smi-q",
    "proc": "proc-nvidia",
    "sysfs": "sysfs-pci",
    "lspci": "lspci",
}
_HOST_WIDE = frozenset({"sysfs", "lspci"})
# Subclasses of class 03 in the PCI ID Repository.
_DISPLAY_CLASSES = frozenset(
    {
        "VGA compatible controller",
        "XGA compatible controller",
        "3D controller",
        "Display controller",
    }
)
MOST_CARDS = (
    64  # in one host: a guess, far above what is built; evidence that names more is hostile
)
_NO_CARDS = "No devices were found"


@dataclass(frozen=True)
class CardEvidence:
    """What each source says of one card, or why it says nothing of it."""

    subject: str
    pci: str
    nvml: NvmlCard
    smi: Json | Missing
    sysfs: PciDevice | Missing
    lspci: Json | Missing
    host: Evidence
    all_cards: tuple[str, ...]  # addresses, in order


def counts(evidence: Evidence) -> Picked:
    """How many cards each source knows that answered: "nvml", "lspci", "sysfs", "proc".

    "smi" stands where nvidia-smi answered and the library itself was not asked.
    """
    found: dict[str, int] = {
        source: len(cards) for source, cards in _lists(evidence).items() if cards is not None
    }
    answered = evidence.nvml.get("nvmlDeviceGetCount", whole)
    if isinstance(answered, int):
        found["nvml"] = answered
    if not found:
        return Picked(_nothing_answered(evidence))
    return Picked(found, ", ".join(_SOURCES[name] for name in sorted(found)))


def cards(evidence: Evidence) -> tuple[CardEvidence, ...] | Missing:
    """Every card in order of its PCI address; Missing where no source could list any."""
    lists = [cards for cards in _lists(evidence).values() if cards is not None]
    if not lists:
        return _nothing_answered(evidence)
    addresses = sorted(frozenset[str]().union(*lists), key=order)
    if len(addresses) + len(evidence.nvml.devices) > 2 * MOST_CARDS:
        return Missing("not-parsed", f"more than {MOST_CARDS} cards")
    devices = _devices(evidence, addresses)
    addresses += [place for place in devices if place not in addresses]
    return tuple(_card(evidence, addresses, pci, devices.get(pci)) for pci in addresses)


def _lists(evidence: Evidence) -> dict[str, Set[str] | None]:
    """The cards that each source knows, None where it did not answer or does not count here."""
    lists = {
        "nvml": _nvml_list(evidence),
        "smi": _smi_list(evidence),
        "proc": _proc_list(evidence),
        "sysfs": _sysfs_list(evidence),
        "lspci": _lspci_list(evidence),
    }
    if lists["nvml"] is not None:
        lists["smi"] = None
    has_cards = bool(lists["nvml"] or lists["smi"])
    if evidence.is_container:
        driver_answers = lists["nvml"] is not None or lists["smi"] is not None
        if driver_answers and not _proc_is_own(evidence):
            lists["proc"] = None
        hidden = {name for name in _HOST_WIDE if lists[name] or has_cards}
    else:
        # A bus without any, where the driver answers for cards, is not theirs (WSL's, a shim's).
        hidden = {name for name in _HOST_WIDE if not lists[name] and has_cards}
    return {name: None if name in hidden else found for name, found in lists.items()}


def _nvml_list(evidence: Evidence) -> Set[str] | None:
    """Also a library that hung on a later call has told which cards there are."""
    why = evidence.nvml.why
    if why is not None and not evidence.nvml.devices:
        return None
    return evidence.nvml.by_address().keys()


def _smi_list(evidence: Evidence) -> Set[str] | None:
    if not isinstance(evidence.smi, Missing):
        return {gpu["pci"] for gpu in evidence.smi["gpus"] if gpu["pci"] is not None}
    return frozenset() if _NO_CARDS in evidence.smi.detail else None


def _proc_list(evidence: Evidence) -> Set[str] | None:
    """A file of another tool may lack a card's folder for no fault of the card."""
    if isinstance(evidence.proc.version_text, Missing) and not evidence.proc.cards:
        return None
    found = evidence.proc.cards.keys()
    if evidence.capture.imported and (not found or found < (_lspci_list(evidence) or set())):
        return None
    return found


def _sysfs_list(evidence: Evidence) -> Set[str] | None:
    if isinstance(evidence.sysfs, Missing):
        return None
    return {device.pci for device in evidence.sysfs.values() if device.is_nvidia_display}


def _lspci_list(evidence: Evidence) -> Set[str] | None:
    if isinstance(evidence.lspci, Missing):
        return None
    return {pci for pci, device in evidence.lspci.items() if is_nvidia_display(device)}


def is_nvidia_display(device: Json) -> bool:
    """By its numbers; a listing without -nn has only words."""
    if device["vendor_id"] is not None and device["class"] is not None:
        return device["vendor_id"] == "10de" and str(device["class"]).startswith("03")
    is_display = str(device["class_name"]) in _DISPLAY_CLASSES
    return is_display and str(device["name"]).startswith("NVIDIA Corporation")


def _proc_is_own(evidence: Evidence) -> bool:
    """The container's engine covers /proc/driver/nvidia, so that it shows the cards handed in.

    Engines that only hand in device nodes leave the host's folder as it is, with all its cards.
    """
    mounts = file(evidence.capture, "proc", "/proc/mounts")
    return not isinstance(mounts, Missing) and " /proc/driver/nvidia" in mounts


def _nothing_answered(evidence: Evidence) -> Missing:
    reasons = [evidence.nvml.why, evidence.smi, evidence.proc.version_text]
    if not evidence.is_container:
        reasons = [evidence.sysfs, evidence.lspci, *reasons]
    whys = [why for why in reasons if isinstance(why, Missing) and why != NOT_COLLECTED]
    return next(iter(whys), NOT_COLLECTED)


def _devices(evidence: Evidence, addresses: list[str]) -> dict[str, NvmlDevice]:
    """NVML's devices by address; one whose handle was refused is told by elimination.

    NVML counts in the order of the bus, so the devices without an address are, in order, the
    cards that no device names. Where no source tells an address, NVML's index stands for it: a
    card that is counted and does not answer must not vanish.
    """
    placed = evidence.nvml.by_address()
    unplaced = evidence.nvml.unplaced()
    left = [pci for pci in addresses if pci not in placed]
    if len(left) <= len(unplaced):
        nowhere = (f"NVML index {device.index}" for device in unplaced[len(left) :])
        placed.update(zip([*left, *nowhere], unplaced, strict=True))
    return placed


def _card(
    evidence: Evidence, addresses: list[str], pci: str, device: NvmlDevice | None
) -> CardEvidence:
    unlisted = Missing("not-collected", "NVML does not list this card")
    unasked = NOT_COLLECTED if device else unlisted
    return CardEvidence(
        subject=f"gpu{addresses.index(pci)}",
        pci=pci,
        nvml=nvml.card(device, evidence.nvml.why or unasked),
        smi=_smi_card(evidence.smi, pci),
        sysfs=_among(evidence.sysfs, pci, "sysfs"),
        lspci=_among(evidence.lspci, pci, "lspci"),
        host=evidence,
        all_cards=tuple(addresses),
    )


def _smi_card(smi: Json | Missing, pci: str) -> Json | Missing:
    if isinstance(smi, Missing):
        return smi
    mine: Json | None = next((gpu for gpu in smi["gpus"] if gpu["pci"] == pci), None)
    return mine or Missing("not-present", "nvidia-smi does not list this card")


def _among(devices: Mapping[str, T] | Missing, pci: str, source: str) -> T | Missing:
    if isinstance(devices, Missing):
        return devices
    return devices.get(pci, Missing("not-present", f"{source} does not list this card"))
