"""The host's clock is right and kept so.

Why: with a wrong clock certificates and tokens are refused, and logs of two hosts cannot be
  compared.
Fix: Enable chrony or systemd-timesyncd, and see that it reaches a time server.
Source: chronyc or timedatectl, and the difference to the clock of the machine that judges; 2 and
  30 s are guesses.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Clock, Host
from preflight.findings import FAIL, PASS, WARN, Finding, Status

ID = "time-sync"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `time-sync`."""

    warn_above_s: float = 2.0  # of difference to the controller's clock
    fail_above_s: float = 30.0  # of difference to the controller's clock


def check(limits: Limits, *, clock: Clock) -> Finding:
    offset = None if clock.offset_s is None else round(abs(clock.offset_s), 1)
    apart = "" if offset is None else f"{offset:g} s from the controller's clock, "
    required = f"required at most {limits.warn_above_s:g} s"
    if offset is not None and offset > limits.warn_above_s:
        status = FAIL if offset > limits.fail_above_s else WARN
        return Finding(status, offset, limits.warn_above_s, "s", f"clock {apart}{required}")
    if clock.is_synchronized is None:
        reason = f"{apart}nothing tells whether it is kept so"
        return Finding(Status.UNKNOWN, offset, limits.warn_above_s, "s", reason=reason)
    if not clock.is_synchronized:
        words = f"clock {apart}not synchronized, required to be"
        return Finding(WARN, offset, limits.warn_above_s, "s", words)
    return Finding(PASS, offset, limits.warn_above_s, "s", f"clock {apart}synchronized")
