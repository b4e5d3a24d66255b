"""What a card is: names, numbers and ids, and the product that the catalogue knows by them."""

from __future__ import annotations

from preflight.catalog import card_for
from preflight.facts import Card, Fact, Missing
from preflight.understand.cards import CardEvidence
from preflight.understand.driver_says import smi
from preflight.understand.picking import Picked, Picks, converted, first, whole, worded, words


def identity(card: CardEvidence) -> Picks:
    device, subsystem = _device_id(card), _subsystem_id(card)
    product = _product(device.value, subsystem.value)
    return {
        "nvml_index": first(("nvml", _index(card)), ("smi-q", _smi_index(card))),
        "name": first(
            ("nvml", card.nvml.get("Name", worded)),
            ("smi-q", smi(card, "name", worded)),
            ("proc-nvidia", _remembered_name(card)),
        ),
        "pci_name": first(("lspci", _pci_name(card))),
        "uuid": first(
            ("nvml", card.nvml.get("UUID", words)),
            ("smi-q", smi(card, "uuid", words)),
            ("proc-nvidia", card.host.proc.heading(card.pci, "GPU UUID")),
        ),
        "serial": first(
            ("nvml", card.nvml.get("Serial", words)), ("smi-q", smi(card, "serial", words))
        ),
        "vbios": first(
            ("nvml", card.nvml.get("VbiosVersion", _capitals)),
            ("smi-q", smi(card, "vbios", _capitals)),
            ("proc-nvidia", converted(card.host.proc.heading(card.pci, "Video BIOS"), _capitals)),
        ),
        "board_part_number": first(
            ("nvml", card.nvml.get("BoardPartNumber", words)),
            ("smi-q", smi(card, "board_part_number", words)),
        ),
        "pci_device_id": device,
        "pci_subsystem_id": subsystem,
        "catalog": Picked(product, device.source),
        "catalog_names": Picked(_names(product), device.source),
    }


def _remembered_name(card: CardEvidence) -> Fact[str]:
    """The driver's note from when it started the card; what now gives no handle may be another."""
    if card.nvml.handle_error is not None:
        return card.nvml.why
    return converted(card.host.proc.heading(card.pci, "Model"), _model)


def _index(card: CardEvidence) -> int | Missing:
    return card.nvml.why if card.nvml.index is None else card.nvml.index


def _smi_index(card: CardEvidence) -> int | Missing:
    """nvidia-smi lists the cards in NVML's order."""
    if isinstance(card.smi, Missing):
        return card.smi
    assert not isinstance(card.host.smi, Missing)
    return [gpu["pci"] for gpu in card.host.smi["gpus"]].index(card.pci)


def _pci_name(card: CardEvidence) -> Fact[str]:
    if isinstance(card.lspci, Missing):
        return card.lspci
    return words(card.lspci.get("name")) or Missing("not-present", "lspci shows no name")


def _device_id(card: CardEvidence) -> Picked:
    return first(
        ("sysfs-pci", _sysfs_id(card, "device")),
        ("lspci", _lspci_id(card, "device_id")),
        ("nvml", card.nvml.part("PciInfo_v3", "pciDeviceId", _high_half)),
        ("smi-q", smi(card, "device_id", words)),
    )


def _subsystem_id(card: CardEvidence) -> Picked:
    return first(
        ("sysfs-pci", _sysfs_subsystem(card)),
        ("lspci", _lspci_id(card, "subsystem_id")),
        ("nvml", card.nvml.part("PciInfo_v3", "pciSubSystemId", _both_halves)),
        ("smi-q", smi(card, "subsystem_id", words)),
    )


def _sysfs_id(card: CardEvidence, name: str) -> Fact[str]:
    if isinstance(card.sysfs, Missing):
        return card.sysfs
    return converted(card.sysfs.read(name), _hexadecimal)


def _sysfs_subsystem(card: CardEvidence) -> Fact[str]:
    vendor, device = (_sysfs_id(card, f"subsystem_{part}") for part in ("vendor", "device"))
    if isinstance(vendor, str) and isinstance(device, str):
        return f"{vendor}:{device}"
    return device if isinstance(vendor, str) else vendor


def _lspci_id(card: CardEvidence, key: str) -> Fact[str]:
    if isinstance(card.lspci, Missing):
        return card.lspci
    return words(card.lspci.get(key)) or Missing("not-present", f"lspci shows no {key}")


def _product(device: Fact[str], subsystem: Fact[str]) -> Card | Missing:
    if not isinstance(device, str):
        return device if isinstance(device, Missing) else Missing("not-present")
    found = card_for(device, subsystem if isinstance(subsystem, str) else None)
    return found or Missing("not-present", f"the catalogue has no card with id 10de:{device}")


def _names(product: Card | Missing) -> tuple[str, ...] | Missing:
    if isinstance(product, Card):
        return product.name, *product.names
    return () if product.reason == "not-present" else product


def _hexadecimal(text: str) -> str | None:
    """ "2335" of "0x2335"."""
    digits = text.removeprefix("0x").lower()
    return digits if len(digits) == 4 and set(digits) <= set("0123456789abcdef") else None


def _high_half(value: object) -> str | None:
    """The device of NVML's pciDeviceId, whose lower half is the vendor."""
    number = whole(value)
    return None if number is None else f"{number >> 16 & 0xFFFF:04x}"


def _both_halves(value: object) -> str | None:
    number = whole(value)
    return None if not number else f"{number & 0xFFFF:04x}:{number >> 16 & 0xFFFF:04x}"


def _capitals(value: object) -> str | None:
    """A VBIOS version as NVML prints it: /proc has the same in small letters."""
    text = words(value)
    return text.upper() if text else None


def _model(value: object) -> str | None:
    """The driver says "Unknown" of a card that it could not start."""
    return None if value == "Unknown" else worded(value)
