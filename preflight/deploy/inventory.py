"""Hosts as a person types them, as an inventory of Ansible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from preflight.transport.target import Target, parse

Inventory = dict[str, Any]
_OWN_NAMES = ("localhost", "127.0.0.1", "::1")


def inventory(typed: Sequence[str]) -> Inventory:
    """Named by the host alone, and by port and user as well where names would be equal.

    ssh reads its own configuration, so that an alias, a jump host and an agent work as they do
    for `preflight HOST`.
    """
    targets = [parse(host) for host in dict.fromkeys(typed)]
    hosts = {_name(target, targets): _variables(target) for target in targets}
    return {"all": {"hosts": hosts}}


def _name(target: Target, targets: Sequence[Target]) -> str:
    """Ansible takes a host called 127.0.0.1 for the controller, and a colon for a port."""
    if target.is_local:
        return target.host
    same = [other for other in targets if other.host == target.host]
    if len(same) == 1 and target.host not in _OWN_NAMES:
        return target.host
    name = f"{target.host.replace(':', '.')}-{target.port or 22}"
    users = {other.user for other in same if other.port == target.port}
    return f"{target.user}@{name}" if len(users) > 1 and target.user else name


def _variables(target: Target) -> dict[str, Any]:
    if target.is_local:
        return {"ansible_connection": "local"}
    told = {
        "ansible_host": target.host,
        "ansible_user": target.user,
        "ansible_port": target.port,
    }
    return {name: value for name, value in told.items() if value is not None}
