"""However it ends, nothing stays on the host. The real probe, held up by a tool that hangs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ssh.conftest import Person, Sshd

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0  # only a failing test takes so long


def until(happened: Callable[[], bool], what: str) -> None:
    given_up = time.monotonic() + PATIENCE_S
    while not happened():
        if time.monotonic() > given_up:
            pytest.fail(f"never: {what}")
        time.sleep(0.02)


def processes(folder: Path) -> list[str]:
    """Whatever runs out of a host's folder, but for its sshd."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
            known = words + (entry / "environ").read_bytes()
        except OSError:  # it has just ended
            continue
        if os.fsencode(folder) in known and b"sshd" not in words:
            found.append(f"{entry.name}: {words!r}")
    return found


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder whose nvidia-smi hangs, deaf to all but SIGKILL."""
    folder = tmp_path / "host0" / "tools"
    folder.mkdir(parents=True)
    tool = folder / "nvidia-smi"
    tool.write_text("#!/bin/sh\ntrap '' TERM INT HUP PIPE\nwhile :; do sleep 1; done\n")
    tool.chmod(0o755)
    return folder


@pytest.fixture
def held(server: Callable[..., Sshd], person: Person, tools: Path) -> Sshd:
    """A known host whose look takes as long as the probe lets a tool hang."""
    sshd = server()
    sshd.start(path=f"{sshd.python}:{tools}:/usr/bin:/bin")
    person.knows(sshd)
    return sshd


@pytest.fixture
def controller(probe: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*hosts: str, through: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        argv = [*through, sys.executable, "-m", "tests.ssh.controller", str(probe), *hosts]
        process = subprocess.Popen(
            argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def hangs(folder: Path) -> bool:
    return any("nvidia-smi" in each for each in processes(folder))


def nothing_runs(folder: Path) -> bool:
    return not processes(folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_stays_when_the_controller_is_ended(
    held: Sshd, controller: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    running = controller(held.target)
    until(lambda: hangs(held.folder), "the probe runs its tools")
    running.send_signal(number)
    assert running.wait(PATIENCE_S) == (130 if number is signal.SIGINT else -number)
    assert running.communicate()[0] == ""
    until(lambda: nothing_runs(held.folder), f"the probe ends: {processes(held.folder)}")


def test_an_interruption_closes_all_hosts_and_waits_for_none(
    held: Sshd,
    server: Callable[..., Sshd],
    person: Person,
    tools: Path,
    controller: Callable[..., subprocess.Popen[str]],
) -> None:
    other = server()
    other.start(path=f"{other.python}:{tools}:/usr/bin:/bin")
    person.knows(other)
    # 192.0.2.1 is nobody (RFC 5737): whether it hangs or is refused is the network's affair.
    running = controller(held.target, other.target, "192.0.2.1")
    until(lambda: hangs(held.folder), "the first probe runs its tools")
    until(lambda: bool(processes(other.folder)), "the second probe runs")
    running.send_signal(signal.SIGINT)
    assert running.wait(PATIENCE_S) == 130
    until(lambda: nothing_runs(held.folder), "the first probe ends")
    until(lambda: nothing_runs(other.folder), "the second probe ends")


def test_a_connection_cut_by_the_host_is_said_and_nothing_stays(
    held: Sshd, controller: Callable[..., subprocess.Popen[str]]
) -> None:
    running = controller(held.target)
    until(lambda: hangs(held.folder), "the probe runs its tools")
    held.cut()
    said = running.communicate(timeout=PATIENCE_S)[0]
    assert said.startswith("Unreachable: ")
    assert "the connection was lost while the probe ran" in said
    until(lambda: nothing_runs(held.folder), "the probe ends")


@pytest.mark.skipif(
    os.getuid() != 0 or subprocess.run(["unshare", "-n", "true"], check=False).returncode != 0,
    reason="NO right to a network of its own here: a cut network is untested",
)
def test_a_cut_network_sends_no_end_of_file_and_still_nothing_stays(
    server: Callable[..., Sshd],
    person: Person,
    tools: Path,
    controller: Callable[..., subprocess.Popen[str]],
) -> None:
    """Packets are dropped: the probe ends after 10 s of silence, the controller gives up too."""
    sshd = server()
    network = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
    inside = ("nsenter", "-n", "-t", str(network.pid))
    try:
        until(lambda: _is_apart(network.pid), "the network is there")
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        sshd.start(path=f"{sshd.python}:{tools}:/usr/bin:/bin", through=inside)
        person.knows(sshd)
        running = controller(sshd.target, through=inside)
        until(lambda: hangs(sshd.folder), "the probe runs its tools")
        subprocess.run([*inside, "ip", "link", "set", "lo", "down"], check=True)
        until(lambda: nothing_runs(sshd.folder), "the probe ends")
        said = running.communicate(timeout=PATIENCE_S)[0]
        assert "the connection was lost while the probe ran" in said
    finally:
        sshd.cut()  # it would wait for the lost controller as long as TCP does
        network.kill()
        network.wait()


def _is_apart(pid: int) -> bool:
    return os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_on_this_machine_nothing_stays_either(
    person: Person,
    tools: Path,
    controller: Callable[..., subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    running = controller("localhost")
    until(lambda: hangs(tools), "the probe runs its tools")
    running.send_signal(number)
    running.wait(PATIENCE_S)
    until(lambda: nothing_runs(tools), "the probe ends")
