"""The kernel's own nouveau driver does not hold the cards.

Why: nouveau drives NVIDIA cards for a screen and cannot compute; while it holds a card, NVIDIA's
  driver cannot start on it.
Fix: Blacklist nouveau in /etc/modprobe.d ("blacklist nouveau"), rebuild the initramfs
  (update-initramfs -u, or dracut -f) and reboot.
Source: /proc/modules and /sys/module/nouveau.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, PASS, Finding

ID = "nouveau"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: it is loaded or is not."""


def check(limits: Limits, *, nouveau_loaded: bool) -> Finding:
    if nouveau_loaded:
        return Finding(FAIL, True, False, message="nouveau is loaded, required absent")
    return Finding(PASS, False, False, message="nouveau is not loaded")
