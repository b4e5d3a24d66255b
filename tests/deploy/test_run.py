"""`preflight deploy` as its user meets it: the real ansible-runner, hosts behind a real sshd."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.capture import decode, encode
from preflight.deploy import runner
from tests.deploy.evidence import fresh
from tests.ssh.conftest import Person, Sshd

TASKS = ["Look", "Make a file", "Make a folder", "Be slow", "Forgive", "Break", "Tell"]
SECRET = "hunter2-never-shown"


class Controller:
    """A folder to deploy from, and the command in a process of its own."""

    def __init__(self, folder: Path, project: Path) -> None:
        self.folder, self.project = folder, project
        self.made = folder / "made"

    def argv(self, *words: str) -> list[str]:
        made = ["-e", f"made={self.made}"]
        return [sys.executable, "-m", "tests.deploy.command", str(self.project), *words, *made]

    @property
    def how(self) -> dict[str, object]:
        repository = Path(__file__).resolve().parents[2]
        environment = {**os.environ, "PYTHONPATH": str(repository), "PASSPHRASE": SECRET}
        environment["COLUMNS"] = "400"  # no line is wrapped
        return {"cwd": self.folder, "env": environment, "stdin": subprocess.DEVNULL}

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = self.argv(*words)
        return subprocess.run(argv, capture_output=True, text=True, check=False, **self.how)  # type: ignore[call-overload,no-any-return]

    @property
    def run(self) -> Path:
        """The one run's artifacts."""
        [run] = (self.folder / "preflight-deploy").iterdir()
        return run


@pytest.fixture
def controller(tmp_path: Path, project: Path) -> Controller:
    folder = tmp_path / "a controller's folder"
    folder.mkdir()
    return Controller(folder, project)


def everything(folder: Path) -> str:
    return "".join(p.read_text(errors="replace") for p in folder.rglob("*") if p.is_file())


def test_a_play_to_its_end_with_nothing_secret_kept(controller: Controller, sshd: Sshd) -> None:
    done = controller("deploy", "tp2", sshd.target, "-e", f"secret={SECRET}")
    assert done.returncode == 0, done.stderr
    assert controller.made.read_text() == SECRET
    assert done.stdout.startswith(f"127.0.0.1-{sshd.port}: tp2 serves\n    https://rig:8443/v1\n")
    assert "2 changed: Make a folder, 1 more" in done.stdout
    assert str(controller.run) in done.stdout
    tasks = [line.split("s  ")[1] for line in done.stderr.splitlines() if "s  " in line]
    assert tasks == TASKS
    assert f"127.0.0.1-{sshd.port}: changed" in done.stderr
    assert (controller.run / "ansible" / "stdout").stat().st_size > 0
    assert list((controller.run / "ansible" / "job_events").glob("*.json"))
    assert controller.run.stat().st_mode & 0o777 == 0o700
    kept = everything(controller.run)
    assert SECRET not in kept + done.stdout + done.stderr
    assert "ansible-playbook" in kept


def test_one_breaks_and_one_is_away_and_a_second_run_goes_on(
    controller: Controller, sshd: Sshd
) -> None:
    done = controller("deploy", "tp2", sshd.target, "root@127.0.0.1:1", "-e", "breaks=true")
    assert done.returncode == 3
    assert f"127.0.0.1-{sshd.port}: failed at Break" in done.stdout
    assert "no KV cache: lower max_model_len" in done.stdout
    assert "127.0.0.1-1: unreachable" in done.stdout
    assert "Connection refused" in done.stdout
    assert f"127.0.0.1-{sshd.port}: FAILED  no KV cache" in done.stderr
    alone = controller("deploy", "tp2", sshd.target, "-e", "breaks=true")
    assert alone.returncode == 1
    assert "nothing changed" not in alone.stdout
    again = controller("deploy", "tp2", sshd.target)
    assert (again.returncode, "nothing changed" in again.stdout) == (0, True)


def test_a_check_changes_nothing_and_keeps_the_difference(
    controller: Controller, sshd: Sshd, tmp_path: Path
) -> None:
    inventory = tmp_path / "hosts.yml"
    host = {"ansible_host": sshd.address, "ansible_port": sshd.port}
    other = {"ansible_host": sshd.address, "ansible_port": 1}
    inventory.write_text(json.dumps({"all": {"hosts": {"rig1": host, "rig2": other}}}))
    done = controller("deploy", "tp2", "rig1", "-i", str(inventory), "--check", "--diff")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "rig1: checked, nothing was done" in done.stdout
    assert "2 would change: Make a folder, 1 more" in done.stdout
    assert "rig2" not in done.stdout
    assert not controller.made.exists()


def test_a_host_key_that_is_not_known_is_not_trusted(
    controller: Controller, server: Callable[..., Sshd], person: Person
) -> None:
    """And nobody is asked: ansible-runner gives ssh a terminal on which nobody sits."""
    stranger = server().start()
    done = controller("deploy", "tp2", stranger.target)
    assert done.returncode == 3
    assert "Host key verification failed" in done.stdout
    assert not controller.made.exists()
    assert not person.known_hosts.exists()


def test_a_playbook_that_is_none_is_told(controller: Controller, sshd: Sshd) -> None:
    done = controller("deploy", "pp2", sshd.target)
    assert done.returncode == 1
    assert "Ansible ended before any host was played" in done.stdout
    assert "no module" in done.stdout


@pytest.mark.parametrize(
    "argv, words",
    [
        (["tp", "gpu01"], "no layout 'tp'"),
        (["replicas", "gpu01"], "no playbook for replicas"),
        (["tp2", "gpu 01"], "is no host"),
        (["tp2", "gpu01", "-i", "nowhere.yml"], "no such inventory"),
        (["tp2", "gpu01", "-e", "@nowhere.yml"], "no such file"),
        (["tp2", "gpu01", "-K"], "no terminal to ask on"),
        (["tp2"], "HOST"),
    ],
)
def test_bad_input_is_usage_and_runs_nothing(
    controller: Controller, argv: list[str], words: str
) -> None:
    done = controller("deploy", *argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.fixture
def running(controller: Controller, sshd: Sshd) -> Iterator[subprocess.Popen[str]]:
    """A deployment in the middle of a task on the host."""
    argv = controller.argv("deploy", "tp2", sshd.target, "-e", "seconds=1111")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(argv, start_new_session=True, **pipes, **controller.how)  # type: ignore[call-overload]
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def sleepers() -> list[str]:
    argv = ["ps", "-A", "-o", "pid=,args="]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in listed.splitlines() if line.endswith("sleep 1111")]


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
def test_an_interruption_ends_the_run_and_all_its_processes(
    running: subprocess.Popen[str], kind: signal.Signals, controller: Controller
) -> None:
    while not sleepers():
        assert running.poll() is None
        time.sleep(0.05)
    try:
        own = set(runner._descendants(running.pid)) - {running.pid}
        assert own
        running.send_signal(kind)
        _, told = running.communicate()
        assert running.returncode == 130
        assert told.endswith("preflight: interrupted\n")
        assert not [pid for pid in own if _is_running(pid)]
        assert SECRET not in everything(controller.run)
    finally:
        for pid in sleepers():
            os.kill(int(pid), signal.SIGKILL)


def _is_running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


@pytest.mark.parametrize(
    "machine, status, words",
    [
        ("rtx4090-rtx3090", 0, "done"),
        ("lost-card", 1, "refused by the gate, nothing was changed"),
    ],
)
def test_the_gate_decides(
    controller: Controller, sshd: Sshd, machine: str, status: int, words: str
) -> None:
    """The evidence is named as it is seen from where the command runs."""
    (controller.folder / "given.json").write_bytes(fresh(machine))
    done = controller("deploy", "split", sshd.target, "-e", "preflight_evidence=given.json")
    assert done.returncode == status, done.stdout
    assert f"127.0.0.1-{sshd.port}: {words}" in done.stdout
    [kept] = (controller.run / "evidence").iterdir()
    assert encode(decode((kept / "capture.json").read_bytes())) == fresh(machine)
    assert machine in (kept / "report.txt").read_text()
    assert json.loads((kept / "report.json").read_text())["verdict"] in ("accept", "reject")
