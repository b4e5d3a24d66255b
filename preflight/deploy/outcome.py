"""What came of a deployment, host by host, and its exit status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preflight.deploy.events import Event

PLAYED, FAILED, UNREACHABLE = 0, 1, 3


@dataclass
class HostOutcome:
    """One host; `failure` is the event that ended its play."""

    name: str
    changed: list[str] = field(default_factory=list)  # tasks, in order, but those with a secret
    changes: int = 0  # of all tasks
    failure: Event | None = None
    refused: bool = False  # by the gate
    urls: tuple[str, ...] = ()
    was_played: bool = False

    @property
    def exit_status(self) -> int:
        if self.failure is None:
            return PLAYED if self.was_played else FAILED
        return UNREACHABLE if self.failure.kind == "unreachable" else FAILED


@dataclass
class Outcome:
    """The whole run; `trouble` is what Ansible said when it ended before any play did."""

    layout: str
    folder: Path
    is_check: bool = False
    hosts: dict[str, HostOutcome] = field(default_factory=dict)
    trouble: str = ""

    @property
    def exit_status(self) -> int:
        """A play that fails is 1, a host that is not reached 3; the highest of all."""
        statuses = [host.exit_status for host in self.hosts.values()]
        return max([*statuses, FAILED if self.trouble or not statuses else PLAYED])

    def take(self, event: Event) -> None:
        """Note what an event tells of its host."""
        if event.kind == "stats":
            self._conclude(event.stats or {})
        elif event.host:
            host = self.hosts.setdefault(event.host, HostOutcome(event.host))
            if event.kind == "changed":
                host.changed.append(event.task)
                host.changes += 1
            elif event.kind in ("failed", "unreachable"):
                host.failure = event
            _note(host, event.told or {})

    def _conclude(self, stats: Mapping[str, Any]) -> None:
        """The counters decide: a failure that a rescue dealt with is none."""
        for name in stats.get("processed") or {}:
            self.hosts.setdefault(name, HostOutcome(name)).was_played = True
        for host in self.hosts.values():
            host.changes = int((stats.get("changed") or {}).get(host.name, 0))
            counts = (stats.get(key) or {} for key in ("failures", "dark"))
            if not any(count.get(host.name) for count in counts):
                host.failure = None


def _note(host: HostOutcome, told: Mapping[str, Any]) -> None:
    if "preflight_refused" in told:
        host.refused = bool(told["preflight_refused"])
    if isinstance(told.get("serving_urls"), list):
        host.urls = tuple(str(url) for url in told["serving_urls"])
