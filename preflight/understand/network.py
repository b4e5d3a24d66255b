"""The network cards of the host that have a link, by /sys/class/net."""

from __future__ import annotations

import re
from collections.abc import Mapping

from preflight.capture import Source, plain
from preflight.facts import Fact, Missing, Nic, NotApplicable
from preflight.understand.ethtool import able_mbit_s
from preflight.understand.evidence import Evidence
from preflight.understand.picking import Picks, first, whole, words
from preflight.understand.sources import failure, file_error

_FILE = re.compile(r"(/sys/devices/\S{1,400}/net/([^/\s]{1,40}))/(\w{1,40}(?:/\w{1,40})?)")
_MOST = 64
_NO_DEVICE = NotApplicable("no network card with a link is shown here")


def network(evidence: Evidence) -> Picks:
    return {"nics": first(("net", _nics(evidence)))}


def _nics(evidence: Evidence) -> Fact[tuple[Nic, ...]]:
    source = evidence.capture.sources.get("net")
    why = failure(source)
    if source is None or why is not None:
        return why or Missing("not-collected")
    folders: dict[str, dict[str, str]] = {}
    for path, content in source.files.items():
        found = _FILE.fullmatch(path)
        if found and not found[1].startswith("/sys/devices/virtual/"):
            folders.setdefault(found[2], {})[found[3]] = content
    linked = {name: told for name, told in folders.items() if told.get("operstate") == "up"}
    if linked:
        sources = evidence.capture.sources
        asked = {name: sources.get(f"ethtool-{name}") for name in sorted(linked)[:_MOST]}
        return tuple(_nic(name, linked[name], by_tool) for name, by_tool in asked.items())
    unread = [error for error in source.errors.items() if error[0].endswith("/operstate")]
    if unread:
        return file_error(*reversed(unread[0]))
    silent = [name for name, told in folders.items() if not told.get("operstate")]
    return Missing("not-present", f"{plain(silent[0])}: operstate") if silent else _NO_DEVICE


def _nic(name: str, told: Mapping[str, str], by_tool: Source | None) -> Nic:
    speed = whole(told.get("speed"))
    duplex = words(told.get("duplex"))
    return Nic(
        name=words(name) or "?",
        speed_mbit_s=speed if speed and speed > 0 else None,  # -1: a virtual card has none
        duplex=duplex if duplex in ("full", "half") else None,
        carrier_changes=whole(told.get("carrier_changes")),
        packets=_sum(told, "rx_packets", "tx_packets"),
        errors=_sum(told, "rx_errors", "tx_errors"),
        dropped=_sum(told, "rx_dropped", "tx_dropped"),
        speed_able_mbit_s=able_mbit_s(by_tool.stdout) if by_tool else None,
    )


def _sum(told: Mapping[str, str], *names: str) -> int:
    return sum(whole(told.get(f"statistics/{name}")) or 0 for name in names)
