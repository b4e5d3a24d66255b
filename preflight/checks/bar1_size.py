"""The window through which the bus reaches each card's memory covers all of it.

Why: BAR1 is the part of a card's memory that the processor and other cards can address. At the old
  256 MiB, peer access over PCIe is impossible or slow, and loading a model takes more steps.
Fix: Switch on Above 4G Decoding and Resizable BAR in the BIOS; early GeForce 30 cards need a newer
  VBIOS first.
Source: PCI Express Base Specification 5.0, 7.8.6, Resizable BAR.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import PASS, WARN, Finding

ID = "bar1-size"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the card's memory is the measure."""


def check(limits: Limits, *, bar1_total_mib: int, memory_total_mib: int) -> Finding:
    status = PASS if bar1_total_mib >= memory_total_mib else WARN
    return Finding(status, bar1_total_mib, memory_total_mib, "MiB")
