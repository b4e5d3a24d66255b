"""No update waits for a reboot.

Why: what was updated and not yet started starts at the next reboot, at a time that nobody chose;
  a new kernel may come up without the driver.
Fix: Reboot now, while somebody watches, and check again.
Source: /var/run/reboot-required, the mark that Debian's and Ubuntu's packages leave; the running
  kernel beside the newest that lies in /lib/modules.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "reboot-required"
SUBJECT = Host
REMEDY_CLASS = "reboot"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `reboot-required`."""

    fail_when_waiting: bool = False  # it is a risk, not a fault


def check(
    limits: Limits,
    *,
    reboot_required: bool,
    kernel_release: str | None = None,
    newest_kernel: str | None = None,
) -> Finding:
    is_older = None not in (kernel_release, newest_kernel) and kernel_release != newest_kernel
    if not reboot_required and not is_older:
        return Finding(PASS, False, False, message="no update waits for a reboot")
    words = "an update waits for a reboot"
    if is_older:
        words += f": kernel {kernel_release} runs, {newest_kernel} is the newest installed"
    status = FAIL if limits.fail_when_waiting else WARN
    return Finding(status, True, False, message=words)
