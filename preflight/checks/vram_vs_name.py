"""Each card has the memory that its model is made with.

Why: cards are rebuilt with more memory than their maker gives them, which no warranty and no test
  covers; and a card that shows less has lost part of its memory, or is not what it is called.
Fix: Do not take the card for the model that it names: no maker answers for a card that was rebuilt.
Source: the catalogue's memory by PCI device id, as nvidia-smi prints it. ECC on GDDR6 takes 1/16
  (an A10 shows 24564 MiB without and 23028 MiB with it).
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import FAIL, PASS, Finding

ID = "vram-vs-name"
SUBJECT = Gpu
REMEDY_CLASS = "replace"
_LESS = (
    "Reset the card and reboot, and look at ECC and row remapping; with less memory after that it "
    "is to be replaced, or is not what it is called."
)


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `vram-vs-name`."""

    tolerance: float = 0.04  # of the catalogue's figure: what drivers reserve differs
    ecc_share: float = 1 / 16  # of GDDR6 memory that holds check bits while ECC is on


def check(
    limits: Limits, *, memory_total_mib: int, catalog: Card, ecc_enabled: bool | None = None
) -> Finding:
    got, stock = memory_total_mib, catalog.memory_mib
    slack = limits.tolerance
    words = f"memory {got} MiB, required {stock} MiB of a {catalog.name}"
    if any(abs(got - size) <= slack * size for size in _sizes(limits, catalog, ecc_enabled)):
        return Finding(PASS, got, stock, "MiB", words, basis="catalog")
    if got > stock:
        words += ": more than it is made with: a modified card"
        return Finding(FAIL, got, stock, "MiB", words, basis="catalog")
    words += ": less than it is made with"
    return Finding(FAIL, got, stock, "MiB", words, _LESS, basis="catalog")


def _sizes(limits: Limits, card: Card, ecc_enabled: bool | None) -> list[float]:
    """The catalogue's figure, taken with ECC on or off, and what the other state makes of it.

    Some products are sold with either of two sizes under one name and one id.
    """
    sizes = [float(card.memory_mib)]
    if "other_memory_mib" in card.figures:
        sizes.append(card.figures["other_memory_mib"].value)
    if ecc_enabled or (ecc_enabled is None and card.form != "geforce"):
        sizes.append(card.memory_mib * (1 - limits.ecc_share))
    if ecc_enabled is not True and card.form != "geforce":
        sizes.append(card.memory_mib / (1 - limits.ecc_share))
    return sizes
