"""What the driver says is wrong with a card: what it asks for, its own store, its power."""

from __future__ import annotations

import re
from collections.abc import Mapping

from preflight.facts import Fact, Missing
from preflight.parsers.pci_address import normal
from preflight.understand.cards import CardEvidence
from preflight.understand.driver_says import smi
from preflight.understand.picking import Picked, Picks, first, named, worded
from preflight.understand.sources import Json

# nvmlDeviceGpuRecoveryAction_t
_ACTIONS: Mapping[int, str] = {
    0: "none",
    1: "reset",
    2: "reboot",
    3: "drain peer traffic",
    4: "drain and reset",
}
_ACTION_WORDS = {
    "none": "none",
    "reset": "reset",
    "gpu reset": "reset",
    "reboot": "reboot",
    "node reboot": "reboot",
    "drain p2p": "drain peer traffic",
    "drain and reset": "drain and reset",
}
_RECOVERY = "FieldValues(GET_GPU_RECOVERY_ACTION)"
_INFOROM = re.compile(r"[Ii]nfo ?[Rr][Oo][Mm] is corrupted(?: at gpu ([0-9a-fA-F:.]{5,24}))?")
# Exit statuses of nvidia-smi(1): "infoROM is corrupted", "external power cables not attached".
_EXIT_INFOROM = 14
_EXIT_POWER = 8
_NO_POWER = "INSUFFICIENT_POWER"
_NO_INFOROM = "CORRUPTED_INFOROM"
_XID_POWER = 54  # auxiliary power is not connected


def condition(card: CardEvidence) -> Picks:
    return {
        "recovery_action": first(
            ("nvml", card.nvml.get(_RECOVERY, named(_ACTIONS))),
            ("smi-q", smi(card, "recovery_action", _action)),
        ),
        "inforom_corrupted": _inforom(card),
    }


def power_cable(card: CardEvidence, xids: Picked) -> Picked:
    """Signs that a power cable is missing; a card that answers has its power."""
    signs: dict[str, str] = {}
    if card.nvml.has_error(_NO_POWER):
        signs["nvml"] = f"NVML: {_NO_POWER}"
    if _blames(card, _EXIT_POWER):
        signs["smi-q"] = "nvidia-smi: external power cables are not attached"
    for event in xids.value if isinstance(xids.value, tuple) else ():
        if event.code == _XID_POWER:
            when = "" if event.boot == 0 else " before the last reboot"
            signs[xids.source] = f"Xid {_XID_POWER}{when}: {event.message}"
    if signs:
        return Picked(tuple(signs.values()), ", ".join(signs))
    if card.nvml.answers:
        return Picked((), "nvml")
    return first(("smi-q", card.smi if isinstance(card.smi, Missing) else ()))


def _action(value: object) -> str | None:
    """A word that is not known stands as it is: it still asks for something. A number does not."""
    said = worded(value)
    return _ACTION_WORDS.get(said.lower(), said) if said else None


def _inforom(card: CardEvidence) -> Picked:
    """A warning that names no card is every card's: which one it is cannot be told.

    That NVML answers says nothing here: it does not read the whole store at each call.
    """
    if card.nvml.has_error(_NO_INFOROM):
        return Picked(True, "nvml")
    source = card.host.capture.sources.get("smi-q")
    said = (
        f"{source.stdout[:4096]}\n{source.stdout[-4096:]}\n{source.stderr[:4096]}" if source else ""
    )
    found = [match.group(1) for match in _INFOROM.finditer(said)]
    places = {normal(place) if place else None for place in found}
    if card.pci in places or (None in places) or (not places and _blames(card, _EXIT_INFOROM)):
        return Picked(True, "smi-q")
    return first(("smi-q", _silent(card.smi)))


def _silent(answer: Json | Missing) -> Fact[bool]:
    """nvidia-smi answered for this card and warned of nothing."""
    return answer if isinstance(answer, Missing) else False


def _blames(card: CardEvidence, exit_code: int) -> bool:
    source = card.host.capture.sources.get("smi-q")
    return source is not None and source.exit_code == exit_code
