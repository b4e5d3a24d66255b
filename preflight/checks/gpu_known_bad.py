"""No card is one that was seen broken before.

Why: lenders hand out again what others gave back. Who has kept the number of a bad card need not
  find its fault a second time.
Fix: Give the card back, and ask for another.
Source: the policy's own list of serial numbers and UUIDs (limits, gpu-known-bad, cards).
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding

ID = "gpu-known-bad"
SUBJECT = Gpu
REMEDY_CLASS = "replace"
_NO_LIST = "the policy lists no bad card"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `gpu-known-bad`."""

    cards: tuple[str, ...] = ()  # serial numbers and UUIDs of cards that were seen broken


def idle(limits: Limits) -> str:
    return "" if limits.cards else _NO_LIST


def check(limits: Limits, *, uuid: str, serial: str | None = None) -> Finding:
    for number in (uuid, serial):
        if number in limits.cards:
            return Finding(FAIL, number, message=f"{number} is on the list of cards seen broken")
    return Finding(PASS, uuid, message=f"{uuid} is not on the list of cards seen broken")
