"""The driver is built for the kernel that the host boots next.

Why: kernels are upgraded while the host runs. When the driver's module was not built for the new
  one, the host comes back from its next boot without a single card.
Fix: Install the new kernel's headers and build the module (dkms autoinstall), then reboot and look.
Source: nvidia.ko below /lib/modules of the newest installed kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "module-next-kernel"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the module is there or is not."""


def check(limits: Limits, *, newest_kernel: str, newest_kernel_has_module: bool) -> Finding:
    if newest_kernel_has_module:
        words = f"the driver is built for {newest_kernel}, the newest kernel"
        return Finding(PASS, True, True, message=words)
    words = f"no driver is built for {newest_kernel}, the newest kernel: no card after a reboot"
    return Finding(WARN, False, True, message=words)
