"""Generation and width of a card's PCIe link while something is copied over it, by NVML."""

from __future__ import annotations

import pynvml  # type: ignore[import-untyped]

from preflight.probe import nvml
from preflight.probe.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from preflight.probe.card import Card

COPIES = 8  # they run while NVML is asked
MOST = 5  # samples
OLD_REASONS = "nvmlDeviceGetCurrentClocksThrottleReasons"  # drivers before 535


class LinkWatch:
    def __init__(self, card: Card) -> None:
        self.card = card
        self.samples: list[dict[str, Any]] = []

    def during(self, one: Callable[[], None]) -> list[dict[str, Any]]:
        """What the link was while `one` ran several times; empty where NVML does not answer."""
        handle = open_card(self.card.pci)
        if handle is None:
            return []

        def several() -> None:
            for _ in range(COPIES):
                one()

        self.card.seconds(several, lambda: self.sample(handle))
        return self.samples

    def sample(self, handle: Any) -> None:
        if len(self.samples) == MOST:
            return
        gen = nvml.outcome(nvml.bind("nvmlDeviceGetCurrPcieLinkGeneration", handle))
        width = nvml.outcome(nvml.bind("nvmlDeviceGetCurrPcieLinkWidth", handle))
        if "value" in gen and "value" in width:
            self.samples.append({"gen": gen["value"], "width": width["value"]})


def open_card(pci: str) -> Any:
    """NVML's handle of the card, None where NVML has none."""
    if nvml.load(Tree("/")) or "error" in nvml.outcome(pynvml.nvmlInit):
        return None
    found: list[Any] = []
    get = nvml.bind("nvmlDeviceGetHandleByPciBusId", pci.encode())
    nvml.outcome(lambda: found.append(get()))
    return found[0] if found else None


class EventReasons:
    """Why a card runs slower than it could, as NVML's bits, joined over a time; None: not told."""

    def __init__(self, pci: str, handle: Any = None) -> None:
        self.handle = open_card(pci) if handle is None else handle
        self.seen: int | None = None

    def sample(self) -> None:
        if self.handle is None:
            return
        for name in ("nvmlDeviceGetCurrentClocksEventReasons", OLD_REASONS):
            found = nvml.outcome(nvml.bind(name, self.handle))
            if "value" in found:
                self.seen = (self.seen or 0) | int(found["value"])
                return
