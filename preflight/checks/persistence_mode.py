"""The driver stays loaded on each card while nothing runs.

Why: without persistence the driver shuts a card down after each program and starts it again for
  the next, which costs seconds, forgets settings, and puts wear on weak cards.
Fix: Enable nvidia-persistenced (systemctl enable --now nvidia-persistenced); until the next reboot
  nvidia-smi -pm 1 does.
Source: NVIDIA driver persistence documentation; the mode by NVML, or the daemon by systemd.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "persistence-mode"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `persistence-mode`."""

    fail_when_off: bool = False  # off is a nuisance, not a fault


def check(limits: Limits, *, persistence_mode: bool) -> Finding:
    if persistence_mode:
        return Finding(PASS, True, True, message="persistence mode is on")
    status = FAIL if limits.fail_when_off else WARN
    return Finding(status, False, True, message="persistence mode is off, required on")
