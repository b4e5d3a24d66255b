"""What the driver's own two voices say of one card: NVML call by call, and nvidia-smi's text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from preflight.facts import Fact, Missing, NotApplicable
from preflight.understand.cards import CardEvidence
from preflight.understand.picking import converted

T = TypeVar("T")

_DRIVER_IS_OLD = frozenset({"FUNCTION_NOT_FOUND", "ARGUMENT_VERSION_MISMATCH", "DEPRECATED"})


def smi(card: CardEvidence, path: str, convert: Callable[[Any], T | None]) -> Fact[T]:
    """The value at "pcie_width.current" of `parse smi`; null there is Missing here.

    A card with fields that could not be read ("Unknown Error", "GPU is lost") gives no
    not-supported: its N/A may be of the same making.
    """
    value: Any = card.smi
    if isinstance(value, Missing):
        return value
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if value is not None:
        return converted(value, convert)
    errors = smi_errors(card)
    return Missing("tool-failed", errors[0]) if errors else Missing("not-supported", path)


def smi_errors(card: CardEvidence) -> tuple[str, ...]:
    """The fields in which nvidia-smi printed an error."""
    if isinstance(card.smi, Missing):
        return ()
    return tuple(f"{path}: an error in nvidia-smi -q" for path in card.smi["query_errors"])


def unless_absent(fact: Fact[T], phrase: str) -> Fact[T]:
    """NotApplicable(phrase) where the card says that it has no such property.

    An older library that lacks the call says nothing of the card.
    """
    if not isinstance(fact, Missing) or fact.reason != "not-supported":
        return fact
    return fact if fact.detail in _DRIVER_IS_OLD else NotApplicable(phrase)
