"""Which ways lead out of the host.

Why: a host that is meant to fetch models and cannot reach anything stops at its first start; many
  are meant to stand alone. Which it is stands here before somebody waits for a download.
Fix: None is owed: a host without the internet is in order where its models lie on it.
Source: the kernel's routing tables, /proc/net/route and ipv6_route; nothing is asked of a network.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, Finding

ID = "default-route"
SUBJECT = Host
REMEDY_CLASS = "watch"
_SHOWN = 4


@dataclass(frozen=True)
class Limits:
    """Nothing to set: it is told and not judged."""


def check(limits: Limits, *, default_routes: tuple[str, ...]) -> Finding:
    if not default_routes:
        words = "no default route: models must come by another way than the internet"
        return Finding(PASS, (), message=words)
    told = ", ".join(route[:80] for route in default_routes[:_SHOWN])
    return Finding(PASS, default_routes, message=f"default route: {told}")
