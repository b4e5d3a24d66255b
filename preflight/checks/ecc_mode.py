"""Error correction is on where a card is made to run with it.

Why: without ECC a flipped bit of a card's memory is neither repaired nor noticed: the answer is
  just wrong. A mode that changes at the next reboot changes memory size and speed with it.
Fix: Switch it on (nvidia-smi -i ADDRESS -e 1, with the PCI address that is named here) and reboot.
Source: NVML, nvmlDeviceGetEccMode, current and pending; GeForce and workstation cards leave the
  factory with it off or without it.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import PASS, WARN, Finding

ID = "ecc-mode"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"
_DECIDE = (
    "Reboot now, so that what is judged is what will serve; or take the change back "
    "(nvidia-smi -i ADDRESS -e 1 for on, -e 0 for off)."
)


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `ecc-mode`."""

    required_for: tuple[str, ...] = ("data-center",)  # forms of card that must run with ECC


def check(
    limits: Limits,
    *,
    ecc_enabled: bool,
    ecc_enabled_after_reboot: bool | None = None,
    catalog: Card | None = None,
) -> Finding:
    words = f"ECC is {_word(ecc_enabled)}"
    if ecc_enabled_after_reboot is not None and ecc_enabled_after_reboot != ecc_enabled:
        words += f", and will be {_word(ecc_enabled_after_reboot)} after the next reboot"
        return Finding(WARN, ecc_enabled, ecc_enabled_after_reboot, None, words, _DECIDE)
    is_owed = catalog is not None and catalog.form in limits.required_for
    if is_owed and not ecc_enabled:
        return Finding(WARN, False, True, message=f"{words}, required on")
    return Finding(PASS, ecc_enabled, is_owed or None, message=words)


def _word(is_on: bool) -> str:
    return "on" if is_on else "off"
