"""No card is divided into instances unless that is wanted.

Why: with MIG on, a card is several small ones without peer access between them: tensor parallelism
  is impossible, and a server sees a part of the memory or, without instances, no card at all.
Fix: Switch it off (nvidia-smi -i ADDRESS -mig 0, with the PCI address that is named here), then
  reset the card; where it is wanted, say so in a policy (limits, mig-mode, wanted).
Source: NVIDIA Multi-Instance GPU user guide; the mode by NVML.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding

ID = "mig-mode"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `mig-mode`."""

    wanted: bool = False  # cards are meant to be divided


def check(limits: Limits, *, mig_enabled: bool) -> Finding:
    state = "on" if mig_enabled else "off"
    if mig_enabled and not limits.wanted:
        return Finding(FAIL, True, False, message="MIG is on: the card is divided, required off")
    return Finding(PASS, mig_enabled, limits.wanted, message=f"MIG is {state}")
