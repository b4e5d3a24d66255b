"""The network cards carry packets without errors.

Why: damaged packets are sent again: a link with a bad cable is slow long before it is dead.
Fix: Replace the cable or the transceiver, then the card.
Source: /sys/class/net, counted since boot; 0.01 % is a guess. Drops are told and not judged,
  since the kernel counts packets of unknown protocols there.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host, Nic
from preflight.findings import PASS, WARN, Finding

ID = "nic-errors"
SUBJECT = Host
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `nic-errors`."""

    warn_above_percent: float = 0.01  # of all packets


def check(limits: Limits, *, nics: tuple[Nic, ...]) -> Finding:
    shares = {nic.name: _percent(nic) for nic in nics}
    worst = max(shares.values(), default=0.0)
    bad = [nic for nic in nics if shares[nic.name] > limits.warn_above_percent]
    if bad:
        told = ", ".join(f"{n.name} {n.errors} errors in {n.packets} packets" for n in bad[:8])
        words = f"network: {told}, required at most {limits.warn_above_percent:g} %"
        return Finding(WARN, worst, limits.warn_above_percent, "%", words)
    errors, dropped = sum(nic.errors for nic in nics), sum(nic.dropped for nic in nics)
    words = f"network: {errors} errors, {dropped} packets dropped"
    return Finding(PASS, worst, limits.warn_above_percent, "%", words)


def _percent(nic: Nic) -> float:
    return round(100 * nic.errors / (nic.packets + nic.errors), 4) if nic.errors else 0.0
