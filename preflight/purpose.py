"""What a host is asked to be judged for: a layout, and the units that are its owner's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from preflight import layout as layouts
from preflight.errors import UsageError
from preflight.layout import REPLICAS, Layout, Server

_UNIT = re.compile(r"[A-Za-z0-9:_.\\-]{1,200}(?:@[A-Za-z0-9:_.\\-]{0,200})?\.service")
_MAX_MODEL = 512
_SERVER = re.compile(r"([a-z0-9]{3,20}):([0-9]{1,3}(?:,[0-9]{1,3}){0,255})")
_MOST_SERVERS = 256
_SERVER_HINT = "a server is tp2:0,1 or tp1:2: its layout, and a card for each of its ranks"


@dataclass(frozen=True)
class Purpose:
    """`model` is a name, folder or repository, as `preflight plan` takes it."""

    layout: Layout | None = None
    model: str | None = None
    own_units: tuple[str, ...] = ()  # "vllm@main.service"; "vllm@.service" is each instance of it
    servers: tuple[Server, ...] = ()  # (): the evidence may choose the cards


NOTHING_ASKED = Purpose()


def purpose(
    use: str | None, own_units: tuple[str, ...] = (), servers: tuple[str, ...] = ()
) -> Purpose:
    """From `LAYOUT[:MODEL]`, units and `LAYOUT:CARDS` of servers; UsageError where one is none."""
    for unit in own_units:
        if not _UNIT.fullmatch(unit):
            raise UsageError(
                f"no unit {unit[:80]!r}",
                "a unit is vllm@main.service; vllm@.service is each instance of that template",
            )
    if use is None:
        if servers:
            raise UsageError("--server without --for", "name the layout that the servers are")
        return Purpose(own_units=own_units)
    name, colon, model = use.partition(":")
    if colon and (not model.strip() or len(model) > _MAX_MODEL or not model.isprintable()):
        raise UsageError(f"--for {use[:80]!r}: no model after the colon", "--for LAYOUT:MODEL")
    layout = layouts.parse(name)
    return Purpose(layout, model or None, own_units, _servers(layout, servers))


def _servers(layout: Layout, texts: tuple[str, ...]) -> tuple[Server, ...]:
    """UsageError where they are not what the layout is made of."""
    if len(texts) > _MOST_SERVERS:
        raise UsageError(f"{len(texts)} servers, and {_MOST_SERVERS} at most are judged")
    servers = tuple(_server(text) for text in texts)
    if servers and layout.is_one_server and [s.layout.sizes for s in servers] != [layout.sizes]:
        told = " and ".join(server.layout.name for server in servers)
        raise UsageError(f"--for {layout.name} is one server {layout.name}, and --server {told}")
    if layout.name == REPLICAS and len({server.layout.sizes for server in servers}) > 1:
        told = ", ".join(server.layout.name for server in servers)
        raise UsageError(f"replicas are servers of one kind, and these are {told}")
    return servers


def _server(text: str) -> Server:
    match = _SERVER.fullmatch(text)
    layout = layouts.parse(match[1]) if match else None
    if match is None or layout is None or not layout.is_one_server:
        raise UsageError(f"--server {text[:80]!r} is no server", _SERVER_HINT)
    cards = tuple(int(card) for card in match[2].split(","))
    if len(set(cards)) != layout.cards_needed or len(cards) != layout.cards_needed:
        needed = f"{layout.name} takes {layout.cards_needed} different cards"
        raise UsageError(f"--server {text[:80]!r}: {needed}", _SERVER_HINT)
    return Server(layout, cards)
