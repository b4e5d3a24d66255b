"""Each file system has room left.

Why: models are tens to hundreds of gigabytes, and a full disk stops downloads, logs and databases
  at once. A file system can also run out of inodes, its places for files, while bytes are left.
Fix: Remove what is not needed (old models, container images, logs), or mount a larger disk.
Source: df; 85 % and 95 % are the usual marks of monitoring systems.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import FileSystem
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "disk-space"
SUBJECT = FileSystem
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `disk-space`; shares of bytes and of inodes alike."""

    warn_at_percent: float = 85.0  # so full or fuller
    fail_at_percent: float = 95.0  # so full or fuller


def check(
    limits: Limits,
    *,
    used_percent: float,
    inodes_used_percent: float = 0.0,
    available_gib: float | None = None,
) -> Finding:
    full, what = max((used_percent, "used"), (inodes_used_percent, "of its inodes used"))
    status = PASS
    if full >= limits.warn_at_percent:
        status = FAIL if full >= limits.fail_at_percent else WARN
    required = limits.fail_at_percent if status is FAIL else limits.warn_at_percent
    left = "" if available_gib is None else f", {available_gib:.0f} GiB left"
    words = f"{full:g} % {what}{left}, required below {required:g} %"
    return Finding(status, full, required, "%", words)
