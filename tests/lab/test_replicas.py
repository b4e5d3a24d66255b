"""One server a card behind one port, by Caddy and by nginx: what clients notice of a loss."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .client import Client, client
from .deployed import Deployed, completions, processes, serving, state
from .host import Host, until
from .laboratory import Laboratory
from .load import Load
from .play import Controller, Played
from .told import EAGER, told

SERVERS = ("vllm@tiny-1", "vllm@tiny-2")
Note = Callable[[str, object], None]


@dataclass(frozen=True)
class Pair:
    host: Host
    ask: Client
    played: Played
    play: Callable[..., Played]  # again, with other variables perhaps


@pytest.fixture(scope="module", params=["caddy", pytest.param("nginx", marks=pytest.mark.lab_all)])
def pair(
    request: pytest.FixtureRequest,
    lab: Laboratory,
    deployed: Deployed,
    controller: Controller,
    good: Path,
) -> Iterator[Pair]:
    """Two servers that were deployed behind one proxy."""
    backend = request.param

    def play(**more: Any) -> Played:
        variables = told(good, load_balancer_backend=backend, **more)
        return controller.play("deploy-replicas", host, told=variables)

    with lab.host("replicas", deployed.ready) as host:
        played = play()
        assert played.status == 0, played.output
        ask = client(host, controller.api_key, authority=authority(host, backend))
        yield Pair(host, ask, played, play)


def test_two_servers_answer_on_one_port(pair: Pair) -> None:
    for server in SERVERS:
        serving(pair.host, server)
    with Load(pair.ask) as load:
        load.go_on(40)
    assert load.lost == []
    assert all(completions(pair.host, port) > 0 for port in (8001, 8002))


def test_a_server_that_is_killed_takes_its_own_requests_along_and_no_other(
    pair: Pair, record_property: Note
) -> None:
    """And is back by itself."""
    victims = processes(pair.host, SERVERS[0]).keys()
    with Load(pair.ask) as load:
        load.go_on(20)
        pair.host.run("systemctl", "kill", "--signal=SIGKILL", SERVERS[0])
        until(lambda: not victims & processes(pair.host, SERVERS[0]).keys(), "it is gone")
        gone = time.monotonic()
        load.go_on(100)
        serving(pair.host, SERVERS[0])
        load.go_on(40)
    record_property("killed", load)
    assert [one for one in load.lost if one.began > gone] == [], proxy(pair.host)


@pytest.mark.lab_all
def test_a_server_that_is_stopped_is_started_by_the_next_play(
    pair: Pair, record_property: Note
) -> None:
    with Load(pair.ask) as load:
        load.go_on(20)
        pair.host.run("systemctl", "stop", SERVERS[0])
        gone = time.monotonic()
        load.go_on(100)
        again = pair.play()
    record_property("stopped", load)
    assert [one for one in load.lost if one.began > gone] == [], proxy(pair.host)
    assert again.status == 0, again.output
    assert state(pair.host, SERVERS[0]) == "active"
    assert again.changed["replicas"] < pair.played.changed["replicas"]


@pytest.mark.lab_all
def test_changed_settings_are_taken_up_without_a_lost_request(
    pair: Pair, record_property: Note
) -> None:
    """One server after another, each drained before."""
    before = [start(pair.host, server) for server in SERVERS]
    settings = {"max_model_len": 256, "max_num_seqs": 32, "config": EAGER}
    with Load(pair.ask) as load:
        load.go_on(20)
        played = pair.play(layout_settings=settings)
        load.go_on(20)
    record_property("drained", load)
    assert played.status == 0, played.output
    assert load.lost == [], proxy(pair.host)
    after = [start(pair.host, server) for server in SERVERS]
    assert not set(before) & set(after), "both were started anew"


def start(host: Host, unit: str) -> str:
    """What tells this start of a unit from others."""
    return host.run("systemctl", "show", unit, "--property=InvocationID", "--value").stdout.strip()


def proxy(host: Host) -> str:
    return host.run("journalctl", "-u", "load-balancer", "--no-pager", "-n", "40").stdout


def authority(host: Host, backend: str) -> str:
    if backend == "caddy":
        return "/var/lib/load-balancer/pki/authorities/local/root.crt"
    return host.run("sh", "-c", "ls /etc/load-balancer/tls/*.crt").stdout.strip()
