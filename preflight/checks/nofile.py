"""A login may keep enough files open.

Why: each request and each worker holds sockets and files; at the limit a server refuses
  connections.
Fix: Set nofile to 65536 or more in /etc/security/limits.d, and LimitNOFILE in the service.
Source: 65536 is what servers are usually given; the limit is that of the login which ran the
  probe.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "nofile"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `nofile`."""

    warn_below: int = 65536  # open files


def check(limits: Limits, *, open_files_limit: float) -> Finding:
    if open_files_limit == float("inf"):
        return Finding(PASS, message="open files are not limited")
    got = round(open_files_limit)
    words = f"{got} files may be open, required {limits.warn_below}"
    status = PASS if got >= limits.warn_below else WARN
    return Finding(status, got, limits.warn_below, "files", words)
