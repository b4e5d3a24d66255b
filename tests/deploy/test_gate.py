"""The role preflight, played by the real Ansible: one play over many hosts, each told otherwise."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.acceptance import judge_saved
from preflight.capture import Capture, load
from preflight.deploy.events import message
from preflight.deploy.project import Project
from preflight.deploy.runner import Play, run
from preflight.purpose import purpose
from preflight.render.json_report import to_json
from tests.deploy.conftest import ROLES
from tests.deploy.evidence import fresh
from tests.ssh.conftest import Sshd
from tests.ssh.look import look
from tests.test_for import SERVER, serving

PLAYBOOK = """
- name: Judge
  hosts: all
  gather_facts: false
  roles: [preflight]
  post_tasks:
    - name: Show
      ansible.builtin.debug:
        msg: [preflight_verdict, preflight_gpus, preflight_peer_access]
    - name: Shown
      ansible.builtin.set_stats:
        per_host: true
        data:
          facts: "{{ [preflight_verdict | default('none'), preflight_gpus | default([])] }}"
          peers: "{{ preflight_peer_access | default(false) }}"
"""
DAY = timedelta(days=1)
CHECKED = ("good", "mixed", "unknown", "report")  # played as a check, too: it must be no different


@dataclass
class Played:
    """What came of one host."""

    failed_at: str = ""
    words: str = ""
    changed: int = 0
    told: dict[str, Any] = field(default_factory=dict)


def play(
    folder: Path, hosts: Mapping[str, Mapping[str, Any]], *arguments: str
) -> dict[str, Played]:
    """Play the gate on these hosts; what came of each."""
    (folder / "playbooks").mkdir(exist_ok=True)
    book = folder / "playbooks" / "gate.yml"
    book.write_text(PLAYBOOK)
    if not (folder / "roles").exists():
        (folder / "roles").symlink_to(ROLES)
    played = {name: Played() for name in hosts}

    def take(event: Mapping[str, Any]) -> None:
        data = event.get("event_data") or {}
        one = played.get(data.get("host", ""))
        if one and event["event"] in ("runner_on_failed", "runner_on_unreachable"):
            one.failed_at, one.words = data["task"], message(data["res"])
        elif one and event["event"] == "runner_on_ok":
            one.told |= (data["res"].get("ansible_stats") or {}).get("data", {})
        for name, count in (data.get("changed") or {}).items():
            played[name].changed = count

    reports = {"preflight_report_folder": str(folder / "evidence")}
    inventory = {"all": {"hosts": {name: reports | dict(told) for name, told in hosts.items()}}}
    trouble = run(
        Play(Project(folder), book, inventory, [], [*arguments, "--forks", "4"]),
        folder / "run",
        take,
        lambda: None,
    )
    assert not trouble
    return played


class Evidence:
    """Files to be given by a variable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def capture(self, machine: str, age: timedelta = timedelta()) -> str:
        return self.kept(f"{machine}-{age.total_seconds():.0f}.json", fresh(machine, age))

    def report(self, machine: str, use: str | None, *servers: str) -> str:
        asked = purpose(use, servers=servers)
        judged = judge_saved(Path(self.capture(machine)), "default", asked)
        return self.kept(f"{machine}-{use}-{len(servers)}-report.json", to_json(judged))

    def kept(self, name: str, data: bytes) -> str:
        (self.folder / name).write_bytes(data)
        return str(self.folder / name)


def cases(given: Evidence) -> dict[str, dict[str, Any]]:
    """Host name -> its variables; each is one row of what the gate must do."""
    good, mixed = given.capture("rtx4090x2"), given.capture("rtx4090-rtx3090")
    lost, bare = given.capture("lost-card"), given.capture("no-driver")
    tree = json.loads(Path(good).read_text())
    tree["sources"]["nvml"] = json.loads(json.dumps(_builtins(serving(SERVER).sources["nvml"])))
    busy = given.kept("busy.json", json.dumps(tree).encode())
    pair, crossed = {"gpus": [0, 1], "tensor_parallel_size": 2}, [{"gpus": [1]}, {"gpus": [0]}]
    return {
        "good": {"preflight_layout": "tp2", "preflight_evidence": good},
        "no-layout": {"preflight_evidence": mixed},
        "mixed": {"preflight_layout": "tp2", "preflight_evidence": mixed},
        "mixed-split": {"preflight_layout": "split", "preflight_evidence": mixed},
        "lost": {"preflight_layout": "replicas", "preflight_evidence": lost},
        "lost-warned": {
            "preflight_layout": "tp2",
            "preflight_evidence": lost,
            "preflight_gate": "warn",
        },
        "lost-off": {
            "preflight_layout": "tp2",
            "preflight_evidence": lost,
            "preflight_gate": False,  # what YAML makes of a bare off
        },
        "unknown": {"preflight_layout": "tp2", "preflight_evidence": bare},
        "unknown-allowed": {
            "preflight_layout": "tp2",
            "preflight_evidence": bare,
            "preflight_gate_unknown": "allow",
        },
        "lost-not-allowed": {
            "preflight_layout": "tp2",
            "preflight_evidence": lost,
            "preflight_gate_unknown": "allow",
        },
        "old": {"preflight_evidence": given.capture("rtx4090x2", DAY + timedelta(minutes=1))},
        "not-old": {"preflight_evidence": given.capture("rtx4090x2", DAY - timedelta(minutes=10))},
        "of-the-future": {"preflight_evidence": given.capture("rtx4090x2", timedelta(hours=-1))},
        "report": {
            "preflight_layout": "tp2",
            "preflight_evidence": given.report("rtx4090x2", "tp2"),
        },
        "report-refuses": {
            "preflight_layout": "tp2",
            "preflight_evidence": given.report("rtx4090-rtx3090", "tp2"),
        },
        "report-of-another": {
            "preflight_layout": "tp2",
            "preflight_evidence": given.report("rtx4090x2", "split"),
        },
        "report-of-none": {
            "preflight_layout": "tp2",
            "preflight_evidence": given.report("rtx4090x2", None),
        },
        "report-on-others": {
            "preflight_layout": "split",
            "preflight_servers": crossed,
            "preflight_evidence": given.report("rtx4090x2", "split", "tp1:0", "tp1:1"),
        },
        "report-by-another": {
            "preflight_policy": "production",
            "preflight_evidence": given.report("rtx4090x2", None),
        },
        "crossed": {
            "preflight_layout": "split",
            "preflight_servers": crossed,
            "preflight_evidence": mixed,
        },
        "unlike-pair": {
            "preflight_layout": "split",
            "preflight_servers": [pair],
            "preflight_evidence": mixed,
        },
        "other-layout": {
            "preflight_layout": "pp2",
            "preflight_servers": [pair],
            "preflight_evidence": good,
        },
        "serving": {"preflight_layout": "tp2", "preflight_evidence": busy},
        "serving-others": {
            "preflight_layout": "tp2",
            "preflight_evidence": busy,
            "preflight_own_units": [],
        },
        "nowhere": {"preflight_evidence": "/nowhere/capture.json"},
        "nonsense": {"preflight_evidence": given.kept("nonsense.json", b"{}")},
        "no-such-layout": {"preflight_layout": "tp", "preflight_evidence": good},
        "no-preflight": {"preflight_command": ["/nowhere/preflight"]},
        "wrong-gate": {"preflight_gate": "perhaps"},
    }


def _builtins(source: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(source)


# Host -> the task that it fails at and words of it; None where the play goes on.
EXPECTED: dict[str, tuple[str, str] | None] = {
    "good": None,
    "no-layout": None,
    "mixed": ("Stop", "nearest that works: split or replicas"),
    "mixed-split": None,
    "lost": ("Stop", "lost is rejected for replicas:\n"),
    "lost-warned": None,
    "lost-off": None,
    "unknown": ("Stop", "unknown is not known well enough for tp2:\n"),
    "unknown-allowed": None,
    "lost-not-allowed": ("Stop", "rejected"),
    "old": ("Check that the evidence is of one host and a day old at most", "younger than a day"),
    "not-old": None,
    "of-the-future": (
        "Check that the evidence is of one host and a day old at most",
        "not of the future",
    ),
    "report": None,
    "report-refuses": ("Stop", "split or replicas"),
    "report-of-another": (
        "Check that the report was made for this layout",
        "--for tp2",
    ),
    "report-of-none": ("Check that the report was made for this layout", "does not say"),
    "report-on-others": ("Check that the report was made for this layout", "cards 1, 0"),
    "report-by-another": ("Check that the report was made for this layout", "by policy production"),
    "crossed": None,
    "unlike-pair": ("Stop", "not of one model"),
    "other-layout": ("Check that it could be judged", "--for pp2 is one server pp2"),
    "serving": None,
    "serving-others": ("Stop", "shared"),
    "nowhere": ("Check that it is a file", "/nowhere/capture.json"),
    "nonsense": ("Check that it could be judged", "not a capture"),
    "no-such-layout": ("Check that it could be judged", "tpNppM"),
    "no-preflight": ("Check that preflight is there", "Install gpu-preflight"),
    "wrong-gate": ("Validating arguments", "preflight_gate"),
}

# Host -> the facts that it goes on with: verdict, and the cards that the layout takes.
FACTS = {
    "good": ["accept", [0, 1]],
    "no-layout": ["accept", []],
    "lost-warned": ["reject", []],
    "lost-off": ["none", []],
    "unknown-allowed": ["unknown", []],
    "report": ["accept", [0, 1]],
    "crossed": ["accept", [1, 0]],
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Played]]:
    """All cases, played once as a check and once for real."""
    folder = tmp_path_factory.mktemp("gate")
    given = Evidence(tmp_path_factory.mktemp("given"))
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {name: told | local for name, told in cases(given).items()}
    results: dict[tuple[str, ...], dict[str, Played]] = {}

    def results_of(*arguments: str) -> dict[str, Played]:
        if arguments not in results:
            some = {name: hosts[name] for name in (CHECKED if arguments else hosts)}
            results[arguments] = play(folder, some, *arguments)
        return results[arguments]

    return results_of


@pytest.mark.xdist_group("gate")
@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["play", "check"])
def test_the_gate_stops_whom_it_must_and_nobody_else(
    played: Callable[..., dict[str, Played]], arguments: tuple[str, ...]
) -> None:
    found = played(*arguments)
    assert set(found) == set(CHECKED if arguments else EXPECTED)
    for name, one in found.items():
        wanted = EXPECTED[name]
        assert one.changed == 0, name
        if wanted is None:
            assert not one.failed_at, f"{name}: {one.words}"
        else:
            assert one.failed_at.startswith(wanted[0]), f"{name}: {one.failed_at} {one.words}"
            assert wanted[1] in one.words, f"{name}: {one.words}"
        assert one.told.get("preflight_refused", False) == (
            wanted is not None and wanted[0] == "Stop"
        )
        assert one.told.get("facts") == FACTS.get(name, one.told.get("facts"))
        assert one.told.get("peers", False) is False


def test_evidence_that_was_given_is_of_the_cards_that_the_host_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nvidia-smi is a stand-in: the one part that a machine without cards does not have."""
    program = tmp_path / "nvidia-smi"
    cards = "".join(f"echo GPU-0000000{n}-0000-4000-8000-00000000000{n}\n" for n in (4, 3))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    given = Evidence(tmp_path)
    local = {"ansible_connection": "local", "preflight_layout": "tp2"}
    evidence = {
        "mine": given.capture("rtx4090x2"),
        "foreign": given.capture("h100x2"),
        "foreign-report": given.report("h100x2", "tp2"),
    }
    hosts = {name: local | {"preflight_evidence": path} for name, path in evidence.items()}
    _write(program, cards)
    found = play(tmp_path, hosts)
    assert not found["mine"].failed_at, found["mine"].words
    for name in ("foreign", "foreign-report"):
        assert found[name].failed_at == "Refuse evidence of another host"
        assert "GPU-00000004-0000-4000-8000-000000000004" in found[name].words
    _write(program, "echo no devices were found; exit 9\n")
    silent = play(tmp_path, {"mine": hosts["mine"]})["mine"]
    assert silent.failed_at == "Refuse evidence of another host"
    assert "the host has no card that answers" in silent.words


def _write(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\n{text}")
    program.chmod(0o755)


def test_what_was_measured_between_cards_holds_for_plays_that_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the driver is another one, or a measurement says otherwise."""
    monkeypatch.setenv("HOME", str(tmp_path))
    given = Evidence(tmp_path)
    host = {"ansible_connection": "local", "preflight_gate": "warn", "preflight_layout": "tp2"}

    def proven(evidence: str) -> bool:
        found = play(tmp_path, {"rig": host | {"preflight_evidence": evidence}})["rig"]
        assert not found.failed_at, found.words
        assert found.changed == 0
        return bool(found.told["peers"])

    read, measured = given.capture("h100x2"), given.capture("h100x2-measured")
    version = json.loads(Path(read).read_text())
    assert not proven(read)
    assert proven(measured)
    assert proven(read)
    other = Path(read).read_text().replace(_driver(version), "580.999.99")
    assert not proven(given.kept("other-driver.json", other.encode()))
    assert not proven(given.capture("rtx4090x2"))
    assert not proven(given.capture("rtx4090x2-measured"))
    assert not proven(read), "the last measurement counts"


def _driver(capture: Any) -> str:
    return str(capture["sources"]["nvml"]["system"]["nvmlSystemGetDriverVersion"]["value"])


def test_the_capture_is_the_one_that_comes_over_ssh(sshd: Sshd, tmp_path: Path) -> None:
    """The same probe, the same arguments: the same sources with the same results."""
    host = {"ansible_host": sshd.address, "ansible_port": sshd.port, "preflight_gate": "warn"}
    told = play(tmp_path, {"rig": host})["rig"]
    assert not told.failed_at, told.words
    kept = tmp_path / "evidence" / "rig"
    through_ansible, _ = load(kept / "capture.json")
    from preflight.transport import probe_bytes

    through_ssh = look(sshd.target, probe_bytes(), sudo=True)
    assert isinstance(through_ssh, Capture)
    assert through_ansible.complete
    assert through_ansible.probe.version == through_ssh.probe.version
    outcomes = [
        {name: (source.status, source.exit_code, source.argv) for name, source in c.sources.items()}
        for c in (through_ansible, through_ssh)
    ]
    assert outcomes[0] == outcomes[1]
    assert (kept / "report.txt").read_text()
    assert "capture" not in (tmp_path / "run" / "ansible" / "stdout").read_text().lower().replace(
        "keep the capture", ""
    ).replace("judge the capture", "")


def test_a_host_without_python_is_told_apart(sshd: Sshd, tmp_path: Path) -> None:
    (sshd.python / "python3").unlink()
    (sshd.python / "python3").symlink_to("/nowhere")
    sshd.stop()
    sshd.start(path=f"{sshd.python}")
    host = {"ansible_host": sshd.address, "ansible_port": sshd.port}
    told = play(tmp_path, {"rig": host})["rig"]
    assert told.failed_at == "Check that the probe can run there"
    assert "python3" in told.words


def test_the_variables_are_those_of_the_contract() -> None:
    role = ROLES / "preflight"
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text())
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())
    options = specs["argument_specs"]["main"]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults
