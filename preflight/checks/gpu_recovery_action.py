"""The driver asks for no action to bring a card back.

Why: after an error the driver itself knows whether a card can go on or must be reset, and says so;
  what runs on a card that waits for a reset fails or hangs sooner or later.
Fix: Do what the driver asks for: drain the card, reset it (nvidia-smi --gpu-reset), or reboot.
Source: NVML, nvmlDeviceGpuRecoveryAction_t: none, reset, reboot, drain P2P, drain and reset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Finding, RemedyClass

ID = "gpu-recovery-action"
SUBJECT = Gpu
REMEDY_CLASS = "reset-gpu"
_REMEDIES: Mapping[str, tuple[str, RemedyClass]] = {
    "reboot": (
        "Reboot the host: the driver says that a reset of the card is not enough.",
        "reboot",
    ),
    "drain peer traffic": (
        "Stop the jobs that copy between cards (NVLink), then reset the cards of the group.",
        "restart-app",
    ),
}


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `gpu-recovery-action`."""

    warn: tuple[str, ...] = ("drain peer traffic",)  # the card works on; any other action fails


def check(limits: Limits, *, recovery_action: str) -> Finding:
    if recovery_action == "none":
        return Finding(PASS, recovery_action, "none", message="the driver asks for no recovery")
    words = f"the driver asks for: {recovery_action}"
    remedy, remedy_class = _REMEDIES.get(recovery_action, (None, None))
    status = WARN if recovery_action in limits.warn else FAIL
    return Finding(
        status, recovery_action, "none", message=words, remedy=remedy, remedy_class=remedy_class
    )
