"""One server a card behind one port, by Caddy and by nginx."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .client import Client, client
from .deployed import serving
from .host import Host, until
from .play import Controller
from .told import told

SERVERS = ("vllm@tiny-1", "vllm@tiny-2")


@pytest.mark.parametrize("backend", ["caddy", pytest.param("nginx", marks=pytest.mark.lab_all)])
def test_two_servers_answer_on_one_port_and_one_may_die(
    ready: Host, controller: Controller, good: Path, backend: str
) -> None:
    variables = told(good, load_balancer_backend=backend)
    played = controller.play("deploy-replicas", ready, told=variables)
    assert played.status == 0, played.output
    ask = client(ready, controller.api_key, authority=authority(ready, backend))
    for server in SERVERS:
        serving(ready, server)
    assert refused(ready, ask) == []
    assert all(completions(ready, port) > 0 for port in (8001, 8002))

    ready.run("systemctl", "stop", SERVERS[0])
    until(lambda: ask.complete().status == 200, "the other server answers")
    assert refused(ready, ask) == []

    again = controller.play("deploy-replicas", ready, told=variables)
    assert again.status == 0, again.output
    serving(ready, SERVERS[0])
    assert again.changed["ready"] < played.changed["ready"]


def refused(host: Host, ask: Client) -> list[str]:
    """What eight requests got that is no answer, and what the proxy said of it."""
    texts = [
        f"{one.status} {one.text}"
        for one in (ask.complete() for _ in range(8))
        if one.status != 200
    ]
    said = host.run("journalctl", "-u", "load-balancer", "--no-pager", "-n", "40").stdout
    return [*texts, said] if texts else []


def authority(host: Host, backend: str) -> str:
    if backend == "caddy":
        return "/var/lib/load-balancer/pki/authorities/local/root.crt"
    return host.run("sh", "-c", "ls /etc/load-balancer/tls/*.crt").stdout.strip()


def completions(host: Host, port: int) -> int:
    """How many answers a server gave, by its own count."""
    script = (
        f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}/metrics').read())"
    )
    text = ast.literal_eval(host.run("python3", "-c", script).stdout).decode()
    counts = [line for line in text.splitlines() if line.startswith("vllm:request_success_total")]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in counts)
