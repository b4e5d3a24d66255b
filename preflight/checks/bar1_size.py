"""The window through which the bus reaches each card's memory covers all of it.

Why: BAR1 is the part of a card's memory that the processor and other cards can address. At the old
  256 MiB, peer access over PCIe is impossible or slow, and loading a model takes more steps.
Fix: Switch on Above 4G Decoding and Resizable BAR in the BIOS; early GeForce 30 cards need a newer
  VBIOS first.
Source: PCI Express Base Specification 5.0, 7.8.6, Resizable BAR.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import PASS, WARN, Finding, Status

ID = "bar1-size"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"
_VBIOS_FIRST = (
    "Put a VBIOS with Resizable BAR on the card, from the board's maker; then switch on Above 4G "
    "Decoding and Resizable BAR in the BIOS."
)


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the card's memory is the measure."""


def check(
    limits: Limits,
    *,
    bar1_total_mib: int,
    memory_total_mib: int | None = None,
    catalog: Card | None = None,
    bar1_offered_mib: int | None = None,
) -> Finding:
    """Where the driver tells no memory, that of the product by its id is the measure."""
    size = memory_total_mib or (catalog and catalog.memory_mib)
    if not size:
        return Finding(Status.UNKNOWN, bar1_total_mib, reason="how much memory it has is not told")
    if bar1_total_mib >= size:
        return Finding(PASS, bar1_total_mib, size, "MiB")
    if bar1_offered_mib is None or bar1_offered_mib >= size / 2:
        return Finding(WARN, bar1_total_mib, size, "MiB")
    words = (
        f"BAR1 size {bar1_total_mib} MiB, required {size} MiB; the card offers at most "
        f"{bar1_offered_mib} MiB"
    )
    return Finding(WARN, bar1_total_mib, size, "MiB", words, _VBIOS_FIRST)
