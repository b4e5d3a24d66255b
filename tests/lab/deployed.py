"""The way from a bare host to a serving one, walked once a run for all tests that need its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .host import Host, Image, until
from .laboratory import Laboratory
from .play import Controller, Played
from .told import NAME

UNIT = f"vllm@{NAME}"
START_S = 300  # vLLM imports for half a minute, more where others work on the machine


@dataclass(frozen=True)
class Deployed:
    """Three runs of one playbook, and the disk that they left."""

    name: str
    number: int
    checked: Played  # by --check --diff, on the bare host
    traces: str  # what was there afterwards that should not be
    first: Played
    second: Played
    image: Image


def deploy(lab: Laboratory, controller: Controller, told: dict[str, Any]) -> Deployed:
    """Play tp2 on a bare host: as a check, then in earnest, then again."""
    with lab.host("tp2") as host:
        checked = controller.play("deploy-tp2", host, told=told, options="--check --diff")
        traces = host.run("find", "/opt/vllm", "/etc/vllm", "/etc/caddy", check=False).stdout
        first = controller.play("deploy-tp2", host, told=told)
        assert first.status == 0, first.output
        second = controller.play("deploy-tp2", host, told=told)
        image = lab.freeze(host)
    return Deployed(host.name, host.number, checked, traces, first, second, image)


def state(host: Host, unit: str = UNIT) -> str:
    return host.run("systemctl", "is-active", unit, check=False).stdout.strip()


def serving(host: Host, unit: str = UNIT) -> None:
    """Wait until the unit has generated its first token."""
    until(lambda: state(host, unit) == "active", f"{unit} serves on {host.name}", START_S)


def stand_down(host: Host, unit: str = UNIT) -> None:
    host.run("systemctl", "disable", "--now", unit)
