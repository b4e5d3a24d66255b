"""The driver's kernel module and its libraries are of one version.

Why: after an upgrade the old module stays loaded until a reboot while the libraries are new; from
  then on nothing that starts anew can use a card ("Driver/library version mismatch").
Fix: Reboot the host, or unload and load the nvidia modules; hold back the driver's packages from
  unattended upgrades.
Source: /proc/driver/nvidia/version against the versions in the libraries' file names.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import DriverLibraries, Host
from preflight.findings import FAIL, PASS, Finding, Status

ID = "driver-library-match"
SUBJECT = Host
REMEDY_CLASS = "reboot"
_NO_LIBRARY = "none of the driver's libraries was found"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the versions are equal or are not."""


def check(limits: Limits, *, driver_libraries: DriverLibraries) -> Finding:
    module, found = driver_libraries.module, driver_libraries.libraries
    others = [f"{name} {v}" for name, v in sorted(found.items()) if v != module]
    if others:
        words = f"kernel module {module}, libraries {', '.join(others)}: required the same"
        return Finding(FAIL, tuple(sorted(set(found.values()))), module, message=words)
    if driver_libraries.refusal:
        return Finding(FAIL, message=f"kernel module {module}: {driver_libraries.refusal}")
    if not found:
        return Finding(Status.UNKNOWN, reason=_NO_LIBRARY)
    return Finding(PASS, module, module, message=f"kernel module and libraries are {module}")
