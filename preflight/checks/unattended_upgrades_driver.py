"""No unattended upgrade changes the driver under a running server.

Why: an upgrade at night puts new libraries beside the old kernel module. What runs goes on; what
  starts anew fails until somebody reboots the host.
Fix: Hold the driver's packages (apt-mark hold), and upgrade them by hand with a reboot.
Source: APT::Periodic::Unattended-Upgrade; dpkg's state of the driver's packages.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "unattended-upgrades-driver"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"
_SHOWN = 4


@dataclass(frozen=True)
class Limits:
    """Nothing to set: packages are held or are not."""


def check(
    limits: Limits, *, upgrades_itself: bool, driver_packages_unheld: tuple[str, ...]
) -> Finding:
    if not upgrades_itself:
        return Finding(PASS, False, message="packages are not upgraded unattended")
    if not driver_packages_unheld:
        return Finding(PASS, True, message="unattended upgrades leave the driver's packages alone")
    named = ", ".join(driver_packages_unheld[:_SHOWN])
    words = f"unattended upgrades are on, and packages of the driver are not held: {named}"
    return Finding(WARN, driver_packages_unheld, message=words)
