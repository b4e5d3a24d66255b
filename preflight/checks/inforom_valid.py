"""Each board's own store of settings and error counts is readable.

Why: the board keeps its error history, its ECC setting and its identity there. A damaged store
  loses them, and retired memory may come back into use.
Fix: Have the maker write the store anew, or return the card; on a GeForce watch it, as many run
  for years with the warning.
Source: nvidia-smi(1), exit status 14 and its warning "infoROM is corrupted".
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "inforom-valid"
SUBJECT = Gpu
REMEDY_CLASS = "replace"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `inforom-valid`."""

    warn_only: tuple[str, ...] = ("geforce",)  # forms of card on which the warning is often false


def check(limits: Limits, *, inforom_corrupted: bool, catalog: Card | None = None) -> Finding:
    if not inforom_corrupted:
        return Finding(PASS, False, False, message="the driver finds no fault in the board's store")
    is_mild = catalog is not None and catalog.form in limits.warn_only
    words = "the driver says that the board's store (infoROM) is corrupted"
    if is_mild:
        return Finding(WARN, True, False, message=words, remedy_class="watch")
    return Finding(FAIL, True, False, message=words)
