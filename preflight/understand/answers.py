"""Does a card answer: signs that it is lost, and the calls that failed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from preflight.facts import Missing
from preflight.parsers.pci_address import normal
from preflight.understand import kernel
from preflight.understand.cards import CardEvidence
from preflight.understand.driver import refusals
from preflight.understand.driver_says import smi_errors
from preflight.understand.kernel import Logs
from preflight.understand.picking import Picked, Picks, first

_PCI = re.compile(r"[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]")
_HANGING = re.compile(r"\bgpu (\d{1,3}): nvml")


def answers(card: CardEvidence, logs: Logs) -> Picks:
    about = {source: line for source, line in refusals(card.host).items() if _is_about(line, card)}
    return {
        "lost_signs": _lost_signs(card, logs, about),
        "query_errors": _query_errors(card, about),
    }


def _is_about(line: str, card: CardEvidence) -> bool:
    """A refusal that names another card says of this one only that it was not asked.

    nvidia-smi names a card by its address, the probe a hanging one by NVML's index.
    """
    named = {normal(text) for text in _PCI.findall(line)}.intersection(card.all_cards)
    hanging = {int(index) for index in _HANGING.findall(line)}
    if card.nvml.index is not None and hanging:
        return card.nvml.index in hanging
    return not named or card.pci in named


def _lost_signs(card: CardEvidence, logs: Logs, refused: Mapping[str, str]) -> Picked:
    """How the card shows that it no longer answers; nothing read at all is no sign of life."""
    hears = _heard(card)
    signs: dict[str, str] = {}
    if card.nvml.has_error("GPU_IS_LOST"):
        signs["nvml"] = "NVML: GPU_IS_LOST"
    if "is lost" in refused.get("smi-q", ""):
        signs["smi-q"] = refused["smi-q"]
    if not isinstance(card.lspci, Missing) and card.lspci.get("lost"):
        signs["lspci"] = "lspci: the card does not answer (rev ff)"
    if not isinstance(card.sysfs, Missing) and card.sysfs.is_lost:
        signs["sysfs-pci"] = "its configuration space reads as all ones"
    if not hears["nvml"] and not hears["smi-q"] and kernel.was_lost(logs, card.pci):
        signs[logs.names] = "kernel: fallen off the bus"
    if signs:
        return Picked(tuple(signs.values()), next(iter(signs)))
    heard = [source for source, has in hears.items() if has]
    if heard:
        return Picked((), heard[0])
    return first(("nvml", card.nvml.why), *_readings(card))


def _heard(card: CardEvidence) -> dict[str, bool]:
    """Which sources have read the card itself."""
    return {
        "nvml": card.nvml.answers,
        "smi-q": not isinstance(card.smi, Missing),
        "lspci": not isinstance(card.lspci, Missing),
        "sysfs-pci": not isinstance(card.sysfs, Missing) and bool(card.sysfs.config),
    }


def _readings(card: CardEvidence) -> list[tuple[str, Missing]]:
    readings = ("smi-q", card.smi), ("lspci", card.lspci), ("sysfs-pci", card.sysfs)
    return [(source, value) for source, value in readings if isinstance(value, Missing)]


def _query_errors(card: CardEvidence, refused: Mapping[str, str]) -> Picked:
    """Failed calls and fields of this card; a tool that refuses as a whole fails every card."""
    errors = {"nvml": card.nvml.errors(), "smi-q": smi_errors(card)}
    for source, line in refused.items():
        errors[source] = (*errors[source], line)
    told = {source: lines for source, lines in errors.items() if lines}
    if told:
        return Picked(tuple(line for lines in told.values() for line in lines), next(iter(told)))
    if card.nvml.answers:
        return Picked((), "nvml")
    if not isinstance(card.smi, Missing):
        return Picked((), "smi-q")
    return first(("nvml", card.nvml.why), ("smi-q", card.smi))
