"""Each file system can be written.

Why: the kernel makes a file system read-only when its disk fails; downloads, logs and databases
  then stop.
Fix: Look in the kernel's log for the disk's errors, replace it, and repair the file system.
Source: /proc/mounts; one that was mounted so on purpose looks the same, hence a warning beside
  the root.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import FileSystem
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "fs-writable"
SUBJECT = FileSystem
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `fs-writable`."""

    fail_the_root: bool = True  # a system that cannot write its own disk


def check(limits: Limits, *, is_read_only: bool, holds_system: bool = False) -> Finding:
    if not is_read_only:
        return Finding(PASS, "rw", "rw", message="writable")
    status = FAIL if holds_system and limits.fail_the_root else WARN
    return Finding(status, "ro", "rw", message="read-only, required writable")
