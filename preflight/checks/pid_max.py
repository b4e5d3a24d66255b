"""The kernel has numbers enough for processes.

Why: threads take numbers as well; a host of many containers can run out of them and then starts
  nothing.
Fix: Raise kernel.pid_max in /etc/sysctl.d, where it ever runs out.
Source: the kernel's default of small machines is 32768; no figure is known at which a server
  fails.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, Finding

ID = "pid-max"
SUBJECT = Host
REMEDY_CLASS = "watch"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `pid-max`."""

    usual: int = 32768  # fewer are told in the message; this never warns


def check(limits: Limits, *, pid_max: int) -> Finding:
    note = "" if pid_max >= limits.usual else f", fewer than the usual {limits.usual}"
    return Finding(PASS, pid_max, message=f"up to {pid_max} processes and threads{note}")
