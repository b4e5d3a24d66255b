"""The kernel promises memory as programs expect.

Why: CUDA reserves far more addresses than it uses; a kernel that promises only what it has (mode
  2) may refuse them.
Fix: Set vm.overcommit_memory to 0 or 1, where a program is refused memory although some is free.
Source: the kernel's documentation of overcommit; some hosts run well in mode 2, so that this
  never warns.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, Finding

ID = "overcommit"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `overcommit`."""

    strict: int = 2  # the mode that is told in the message


def check(limits: Limits, *, overcommit_memory: int) -> Finding:
    note = ": strict, CUDA may be refused addresses" if overcommit_memory == limits.strict else ""
    return Finding(PASS, overcommit_memory, message=f"overcommit mode {overcommit_memory}{note}")
