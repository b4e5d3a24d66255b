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
from preflight.findings import FAIL, PASS, Finding

ID = "gpu-query-errors"
SUBJECT = Gpu
REMEDY_CLASS = "reset-gpu"
_SHOWN = 4


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `gpu-query-errors`."""

    # Fields in which sound cards print "Unknown Error": 560 drivers do (two recorded machines).
    ignored_fields: tuple[str, ...] = ("addressing_mode",)
    # Answers that say nothing against the card: the call is not offered, or not to this user.
    ignored_codes: tuple[str, ...] = ("NOT_SUPPORTED", "NO_PERMISSION", "FUNCTION_NOT_FOUND")


def check(limits: Limits, *, query_errors: tuple[str, ...]) -> Finding:
    errors = tuple(error for error in query_errors if _counts(error, limits))
    if not errors:
        return Finding(PASS, 0, 0, message="every query was answered")
    more = f" and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
    words = f"query errors {len(errors)}, required 0: {'; '.join(errors[:_SHOWN])}{more}"
    return Finding(FAIL, len(errors), 0, message=words)


def _counts(error: str, limits: Limits) -> bool:
    """`error` is "FIELD: what was printed", the field as in XML or as in text."""
    where, _, said = error.partition(":")
    field = where.strip().lower().replace(" ", "_")
    return field not in limits.ignored_fields and said.strip() not in limits.ignored_codes
