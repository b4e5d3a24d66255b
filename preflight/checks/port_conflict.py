"""No other program listens on a port that this host's servers are to take.

Why: a server whose port is taken ends at its start, and the proxy before it sends requests to
  whatever answers there instead.
Fix: Stop what listens there (ss -ltnp names it), or give the server another port.
Source: ss -ltn, else the kernel's tables of sockets; the ports of a policy (limits, port-conflict,
  ports). What one's own units serve (--own) does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, PASS, Finding

ID = "port-conflict"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `port-conflict`."""

    ports: tuple[int, ...] = ()  # TCP, that servers of this host are to listen on; (): none known


def idle(limits: Limits) -> str:
    return "" if limits.ports else "the policy names no port"


def check(limits: Limits, *, listening: Mapping[int, str]) -> Finding:
    taken = tuple(port for port in limits.ports if port in listening)
    if not taken:
        told = ", ".join(map(str, limits.ports[:8]))
        return Finding(PASS, (), message=f"nothing listens on {told}")
    by = [f"{port}{_whose(listening[port])}" for port in taken[:8]]
    return Finding(FAIL, taken, (), message=f"taken already: port {', '.join(by)}, required free")


def _whose(group: str) -> str:
    return f" by {group[:80]}" if group else ""
