"""How the driver is set for a card: persistence, MIG, compute mode, kind of kernel module."""

from __future__ import annotations

from preflight.capture import Capture
from preflight.facts import Card, Fact, Missing
from preflight.understand.cards import CardEvidence
from preflight.understand.driver_says import smi, unless_absent
from preflight.understand.picking import Picked, Picks, first, flag, named, words
from preflight.understand.reported import unit_runs
from preflight.understand.sources import text

_COMPUTE_MODES = {0: "Default", 1: "Exclusive Thread", 2: "Prohibited", 3: "Exclusive Process"}
# nvmlGpuVirtualizationMode_t, in nvidia-smi's words
_VIRTUALIZATION = {0: "None", 1: "Pass-Through", 2: "VGPU", 3: "Host VGPU", 4: "Host VSGA"}
_NO_GSP = "the card runs no firmware of its own"
# A100 and A30, H100 to H200, B200, B300 (Multi-Instance GPU user guide); of those with 12.0 some.
_DIVISIBLE = frozenset({"8.0", "9.0", "10.0", "10.3"})
_DAEMON = "nvidia-persistenced.service"


def modes(card: CardEvidence, product: Fact[Card]) -> Picks:
    return {
        "persistence_mode": _persistence(card),
        "mig_enabled": _mig(card, product),
        "compute_mode": first(
            ("nvml", card.nvml.get("ComputeMode", named(_COMPUTE_MODES))),
            ("smi-q", smi(card, "compute_mode", _spaced)),
        ),
        "is_open_driver": first(("proc-nvidia", card.host.proc.is_open)),
        "loaded_driver": first(
            ("proc-nvidia", card.host.proc.module_version),
            ("nvml", card.host.nvml.get("nvmlSystemGetDriverVersion", words)),
            ("smi-q", _smi_driver(card)),
        ),
        "gsp_firmware": first(
            ("nvml", unless_absent(card.nvml.get("GspFirmwareVersion", words), _NO_GSP)),
            ("smi-q", unless_absent(smi(card, "gsp_firmware", words), _NO_GSP)),
        ),
        "virtualization_mode": first(
            ("nvml", card.nvml.get("VirtualizationMode", named(_VIRTUALIZATION))),
            ("smi-q", smi(card, "virtualization_mode", words)),
        ),
    }


def _persistence(card: CardEvidence) -> Picked:
    """The card's own mode, or the daemon that keeps the driver loaded in its stead."""
    own = first(
        ("nvml", card.nvml.get("PersistenceMode", flag)),
        ("smi-q", smi(card, "persistence_mode", flag)),
    )
    if own.value is not True and _daemon_runs(card.host.capture):
        return Picked(True, "systemd-nvidia")
    if own.value is not True and unit_runs(card.host.capture, _DAEMON):
        return Picked(True, "systemctl-nvidia")
    return own


def _daemon_runs(capture: Capture) -> bool:
    """systemctl shows one block a unit, an empty line between them."""
    shown = text(capture, "systemd-nvidia")
    blocks = [] if isinstance(shown, Missing) else shown[:65536].split("\n\n")
    units = (block.split("\n") for block in blocks)
    return any(f"Id={_DAEMON}" in unit and "ActiveState=active" in unit for unit in units)


def _mig(card: CardEvidence, product: Fact[Card]) -> Picked:
    """A voice that says "on" counts, whatever the other says or does not offer.

    A card that cannot be divided is not divided; one that can has a mode, and says so.
    """
    readings = (
        ("nvml", card.nvml.part("MigMode", 0, flag)),
        ("smi-q", smi(card, "mig_mode", flag)),
    )
    said_on = (reading for reading in readings if reading[1] is True)
    told = first(*said_on, *readings)
    if isinstance(told.value, bool) or _can_be_divided(product):
        return told
    return first(*((source, _off_unless_offered(mode)) for source, mode in readings))


def _can_be_divided(product: Fact[Card]) -> bool:
    return isinstance(product, Card) and product.compute_capability in _DIVISIBLE


def _off_unless_offered(mode: Fact[bool]) -> Fact[bool]:
    is_unoffered = isinstance(mode, Missing) and mode.reason == "not-supported"
    return False if is_unoffered else mode


def _smi_driver(card: CardEvidence) -> Fact[str]:
    if isinstance(card.host.smi, Missing):
        return card.host.smi
    return words(card.host.smi.get("driver_version")) or Missing("not-supported", "driver_version")


def _spaced(value: object) -> str | None:
    """ "Exclusive Process" of nvidia-smi's "Exclusive_Process"."""
    text = words(value)
    return text.replace("_", " ") if text else None
