"""No service has failed.

Why: a service that failed at boot may be the one that sets the cards up, or mounts the models.
Fix: See why: systemctl status UNIT, journalctl -u UNIT; then mend or disable it.
Source: the service manager's own list, systemctl --failed.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "systemd-failed"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `systemd-failed`."""

    ignored: tuple[str, ...] = ()  # units of which a failure is no matter


def check(limits: Limits, *, failed_units: tuple[str, ...]) -> Finding:
    failed = tuple(unit for unit in failed_units if unit not in limits.ignored)
    if not failed:
        return Finding(PASS, (), (), message="no unit of systemd has failed")
    more = f" and {len(failed) - 8} more" if len(failed) > 8 else ""
    words = f"failed units of systemd: {', '.join(failed[:8])}{more}"
    return Finding(WARN, failed, (), message=words)
