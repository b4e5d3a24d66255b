"""The host answers quickly over the network.

Why: a far or overloaded host is slow to work with, and a server on it answers late by the same
  time.
Fix: Nothing is broken in the host: look at the way to it, or rent nearer.
Source: the time of one round trip over the SSH connection; 100 ms is a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "controller-latency"
SUBJECT = Host
REMEDY_CLASS = "watch"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `controller-latency`."""

    warn_above_s: float = 0.1  # of one round trip


def check(limits: Limits, *, controller_rtt_s: float) -> Finding:
    got, most = round(controller_rtt_s * 1000, 1), limits.warn_above_s * 1000
    status = WARN if controller_rtt_s > limits.warn_above_s else PASS
    words = f"one round trip takes {got:g} ms, required at most {most:g} ms"
    return Finding(status, got, most, "ms", words)
