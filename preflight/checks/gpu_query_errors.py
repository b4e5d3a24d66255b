"""The driver can read every property of each card.

Why: an "Unknown Error" where a number belongs is how a card shows that it is failing while it is
  still listed; jobs on it crash or hang, and often nvidia-smi hangs with them.
Fix: Reset the card (nvidia-smi --gpu-reset) or reboot; if the error stays, move the card to
  another slot, and replace it if the error moves along.
Source: nvml.h, nvmlReturn_t: every code but "not supported" and "no permission" is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding, RemedyClass

ID = "gpu-query-errors"
SUBJECT = Gpu
REMEDY_CLASS = "reset-gpu"
_SHOWN = 4
_ALL_REFUSED = "nvmlInit", "NVML hung: nvmlInit"  # nobody asked a card anything
_DRIVER_FIRST = "Mend the driver first: no card was asked. Load or repair it, or reboot the host."


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `gpu-query-errors`."""

    # Fields and answers that say nothing against a card: sound cards print "Unknown Error" as
    # their addressing mode on 560 drivers (two recorded machines); the others are no failures.
    ignored: tuple[str, ...] = (
        "addressing_mode",
        "NOT_SUPPORTED",
        "NO_PERMISSION",
        "FUNCTION_NOT_FOUND",
    )


def check(
    limits: Limits, *, query_errors: tuple[str, ...], errors_after_test: tuple[str, ...] = ()
) -> Finding:
    new = tuple(f"after the test: {error}" for error in errors_after_test)
    errors = tuple(
        error for error in (*query_errors, *new) if not _words(error) & set(limits.ignored)
    )
    if not errors:
        return Finding(PASS, 0, 0, message="every query was answered")
    more = f" and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
    words = f"query errors {len(errors)}, required 0: {'; '.join(errors[:_SHOWN])}{more}"
    if any(error.startswith(_ALL_REFUSED) for error in errors):
        is_absent = any("DRIVER_NOT_LOADED" in error for error in errors)
        mending: RemedyClass = "reconfigure" if is_absent else "reboot"
        return Finding(FAIL, len(errors), 0, None, words, _DRIVER_FIRST, mending)
    return Finding(FAIL, len(errors), 0, message=words)


def _words(error: str) -> set[str]:
    """Field and answer: "nvidia-smi: Addressing Mode: Unknown Error" names addressing_mode."""
    parts = [part.strip() for part in error.split(":")]
    return {*parts, *(part.lower().replace(" ", "_") for part in parts)}
