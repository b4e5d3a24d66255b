"""A host that serves is told something else: a model from a hub, another proxy, another layout."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from .client import client
from .deployed import completions, serving, state
from .host import Host
from .hub import COMMIT, REPO, WEIGHTS, hub
from .laboratory import Laboratory
from .load import Load
from .play import Controller, Played
from .told import told

pytestmark = pytest.mark.lab_all


def test_a_model_comes_from_its_hub_though_its_fetch_was_killed(
    lab: Laboratory, ready: Host, controller: Controller, good: Path
) -> None:
    """What had come whole is not fetched again; a disk that cannot hold it is refused before."""
    with hub(lab.network.controller, lab.shown["/srv/models"] / "tiny") as server:
        variables = told(good, layout_model="fetched") | {
            "vllm_models": [{"name": "fetched", "repo": REPO, "revision": COMMIT}],
            "vllm_hub_endpoint": server.endpoint,
        }
        large = variables | {"vllm_download_reserve_gib": 1_000_000}
        refused = controller.play("deploy-tp2", ready, told=large)
        assert refused.status == 2
        assert "must stay free" in refused.output
        assert server.fetched == []

        server.holds = True
        killer = threading.Thread(target=lambda: _kill(ready, server.held))
        killer.start()
        broken = controller.play("deploy-tp2", ready, told=variables)
        killer.join()
        assert broken.status == 2
        assert f"{REPO} could not be fetched" in broken.output
        whole = set(ready.run("ls", "/var/lib/vllm/models/fetched").stdout.split())
        assert whole

        server.holds = False
        server.fetched.clear()
        played = controller.play("deploy-tp2", ready, told=variables)
        assert played.status == 0, played.output
        assert WEIGHTS in server.fetched
        assert not whole & set(server.fetched)
    assert client(ready, controller.api_key).complete().status == 200
    again = controller.play("deploy-tp2", ready, told=variables)  # and the hub is gone
    assert (again.status, again.changed) == (0, {"ready": 0}), again.output


def _kill(host: Host, held: threading.Event) -> None:
    held.wait()
    host.run("systemctl", "kill", "--signal=SIGKILL", "vllm-model@fetched")


def test_another_proxy_takes_over(ready: Host, controller: Controller, good: Path) -> None:
    def play(backend: str) -> Played:
        variables = told(good, load_balancer_backend=backend)
        played = controller.play("deploy-tp2", ready, told=variables)
        assert played.status == 0, played.output
        return played

    play("caddy")
    before = _started(ready, "vllm@tiny")
    play("nginx")
    serving(ready)
    assert _started(ready, "vllm@tiny") == before, "the server went on"
    assert ready.run("pgrep", "-x", "caddy", check=False).stdout == ""
    authority = ready.run("sh", "-c", "ls /etc/load-balancer/tls/*.crt").stdout.strip()
    assert client(ready, controller.api_key, authority=authority).complete().status == 200
    left = ready.run("ls", "/etc/load-balancer").stdout.split()
    assert "api-key.caddy" not in left
    assert play("nginx").changed == {"ready": 0}


def _started(host: Host, unit: str) -> str:
    return host.run("systemctl", "show", unit, "--property=InvocationID", "--value").stdout.strip()


def test_another_layout_takes_over_and_gives_way_again(
    ready: Host, controller: Controller, good: Path
) -> None:
    """What leaves, or is to have other cards, is gone before another takes its cards and port."""

    def play(playbook: str, **more: Any) -> None:
        variables = told(good, **more)
        played = controller.play(playbook, ready, told=variables)
        assert played.status == 0, played.output
        again = controller.play(playbook, ready, told=variables)
        assert (again.status, again.changed) == (0, {"ready": 0}), again.output

    play("deploy-tp2")
    play("deploy-replicas")
    assert _servers(ready) == {"tiny-1": "0", "tiny-2": "1"}
    ask = client(ready, controller.api_key)
    with Load(ask) as load:
        load.go_on(40)
    assert load.lost == []
    assert all(completions(ready, port) > 0 for port in (8001, 8002))

    before = {name: _started(ready, f"vllm@{name}") for name in _servers(ready)}
    play("deploy-replicas", layout_gpus=[1, 0])
    assert _servers(ready) == {"tiny-1": "1", "tiny-2": "0"}
    assert [one for one in before if _started(ready, f"vllm@{one}") == before[one]] == []

    play("deploy-tp2")
    assert _servers(ready) == {"tiny": "0,1"}
    assert ask.complete().status == 200


def _servers(host: Host) -> dict[str, str]:
    """The cards that each server which runs was given; they are those that start at boot."""
    listed = host.run("sh", "-c", "cd /run/vllm && grep -H ^CUDA_VISIBLE */environment").stdout
    rows = [line.partition("/environment:CUDA_VISIBLE_DEVICES=") for line in listed.splitlines()]
    cards = {name: value.strip('"') for name, _, value in rows}
    boot = "/etc/systemd/system/multi-user.target.wants"
    units = host.run("sh", "-c", f"cd {boot} && ls -d vllm@*").stdout.split()
    assert sorted(units) == sorted(f"vllm@{name}.service" for name in cards)
    assert all(state(host, unit) == "active" for unit in units)
    return cards
