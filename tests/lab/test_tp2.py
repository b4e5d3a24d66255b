"""From a bare host to one model over two cards, served, faulted, and locked against the rest."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import yaml

from .client import Client, client
from .deployed import UNIT, Deployed, holders, processes, serving, state
from .host import Host, until
from .laboratory import Laboratory
from .play import Controller
from .told import PORT, evidence, told

SKIPPED = Path(__file__).with_name("skipped.yaml")


@pytest.fixture(scope="module")
def api_key(controller: Controller) -> str:
    return controller.api_key


@pytest.fixture(scope="module")
def ask(served: Host, api_key: str) -> Client:
    return client(served, api_key)


def test_check_mode_tells_what_a_play_would_do_and_does_nothing(deployed: Deployed) -> None:
    assert deployed.checked.status == 0, deployed.checked.output
    assert deployed.checked.changed["tp2"] > 5
    assert deployed.traces == []


def test_the_play_serves_and_a_second_one_changes_nothing(deployed: Deployed) -> None:
    assert deployed.first.changed["tp2"] >= deployed.checked.changed["tp2"]
    assert deployed.second.status == 0, deployed.second.output
    assert deployed.second.changed == {"tp2": 0}, deployed.second.output


def test_what_is_no_unit_of_ones_own_on_the_cards_is_refused(
    served: Host, controller: Controller, tmp_path: Path
) -> None:
    """The second play went on with the unit's own workers on the cards; a person's are foreign."""
    serving(served)
    person = "0::/user.slice/user-1000.slice/session-1.scope"
    foreign = dict.fromkeys(holders(served, "Worker_TP"), person)
    variables = told(evidence("rtx4090x2", tmp_path, foreign))
    played = controller.play("deploy-tp2", served, told=variables)
    assert (played.status, played.changed) == (2, {"tp2": 0})
    assert "tp2 is rejected" in played.output
    assert state(served) == "active"


def test_each_task_that_was_skipped_there_has_a_reason(deployed: Deployed) -> None:
    """Nothing asks whether a host is one of the lab; what it proves less is on this list."""
    assert deployed.first.skipped == set(yaml.safe_load(SKIPPED.read_text()))


def test_it_serves_after_a_reboot_by_itself(served: Host, ask: Client) -> None:
    assert state(served) == "active"
    answer = ask.complete()
    assert answer.status == 200, answer.text
    assert answer.json["usage"]["completion_tokens"] == 4


def test_it_is_one_server_over_two_workers(served: Host) -> None:
    names = processes(served)
    assert sum("Worker_TP" in name for name in names.values()) == 2, names


def test_a_stream_comes_in_parts(ask: Client) -> None:
    events = list(ask.stream(tokens=4))
    assert events[-1] == "[DONE]"
    assert len(events) > 4


def test_without_the_key_nothing_is_answered(served: Host) -> None:
    assert client(served, key="").complete().status == 401
    assert client(served, key="x" * 48).complete().status == 401


@pytest.mark.parametrize(
    "path", ["/invocations", "/metrics", "/pause", "/tokenize", "/version", "/health", "/docs"]
)
def test_no_other_route_is_public(ask: Client, path: str) -> None:
    assert ask.get(path).status == 404
    assert ask.post(path, {}).status == 404


def test_another_host_reaches_the_proxy_and_sshd_alone(served: Host, lab: Laboratory) -> None:
    listening = served.run("ss", "--no-header", "--listening", "--tcp", "--numeric").stdout
    ports = {int(line.split()[3].rsplit(":", 1)[1]) for line in listening.splitlines()}
    assert len(ports) > 3  # vLLM's own among them, some on every address
    with lab.host("other") as other:
        assert {port for port in ports if other.reaches(served.address, port)} == {22, PORT}


def test_the_key_is_nowhere_but_in_its_files(
    served: Host, controller: Controller, api_key: str, deployed: Deployed
) -> None:
    journal = served.run("journalctl", "--no-pager", "--merge").stdout  # with the plays' own boot
    assert "Invoked with" in journal, "Ansible's own words of the plays"
    shown = [
        served.run("ps", "axww", "-o", "args").stdout,
        journal,
        served.run("systemctl", "show", UNIT, "load-balancer").stdout,
        *(played.output for played in (deployed.checked, deployed.first, deployed.second)),
    ]
    assert [text for text in shown if api_key in text] == []
    kept = served.run(
        "grep", "--recursive", "--files-with-matches", api_key, "/etc", "/var", "/run"
    )
    holders = set(kept.stdout.split())
    assert "/etc/vllm/api-key" in holders
    for path in holders:
        mode = served.run("stat", "--format=%a %U", path).stdout.split()
        assert mode[0] in ("600", "400", "640"), (path, mode)
    found = [
        path for path in controller.folder.rglob("*") if path.is_file() and not path.is_socket()
    ]
    assert [p.name for p in found if api_key in p.read_text(errors="replace")] == ["vllm-api-key"]


@pytest.mark.parametrize("victim", ["EngineCore", "vllm serve"])
def test_a_killed_process_comes_back_whole(served: Host, ask: Client, victim: str) -> None:
    """vLLM ends with status 0 when its engine dies, and its workers outlive its API server."""
    serving(served)
    before = processes(served)
    pid = next(pid for pid, name in before.items() if victim in name)
    served.run("kill", f"-{signal.SIGKILL}", pid)
    until(lambda: not before.keys() & processes(served).keys(), "every old process is gone")
    serving(served)
    until(lambda: ask.complete().status == 200, "the proxy has seen that it serves again")
