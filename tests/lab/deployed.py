"""The way from a bare host to a serving one, walked once a run for all tests that need its end."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from .host import Host, Image, until
from .laboratory import Laboratory
from .play import Controller, Played
from .told import NAME, evidence, told

UNIT = f"vllm@{NAME}"
AT_BOOT = f"/etc/systemd/system/multi-user.target.wants/{UNIT}.service"
START_S = 600  # vLLM imports for half a minute, ten times that where others work on the machine
LISTED = (
    r"\( -type f -printf '%p %m %u %s %T@\n' -o -type l -printf '%p %l\n' "
    r"-o -printf '%p %m %u\n' \)"
)
# What a login leaves and who logged it, whatever is played.
OF_ANY_LOGIN = ("/home/ops/.ansible", "/var/log/")


@dataclass(frozen=True)
class Deployed:
    """Three runs of one playbook, and the disk that they left."""

    name: str
    number: int
    checked: Played  # by --check --diff, on the bare host
    traces: list[str]  # what was on the disk afterwards and not before, or the other way round
    first: Played
    second: Played  # on evidence of the host that serves, each card held by a worker
    image: Image  # it serves at boot
    ready: Image  # vLLM is installed and nothing starts it


def deploy(lab: Laboratory, controller: Controller, folder: Path) -> Deployed:
    """Play tp2 on a bare host: as a check, then in earnest, then again."""
    variables = told(evidence("rtx4090x2", folder))
    with lab.host("tp2") as host:
        before = disk(host)
        checked = controller.play("deploy-tp2", host, told=variables, options="--check --diff")
        traces = sorted(disk(host) ^ before)
        first = controller.play("deploy-tp2", host, told=variables)
        assert first.status == 0, first.output
        serves = evidence("rtx4090x2", folder, holders(host, "Worker_TP"))
        second = controller.play("deploy-tp2", host, told=told(serves))
        image = lab.freeze(host)
    ready = lab.without(image, AT_BOOT)
    return Deployed(host.name, host.number, checked, traces, first, second, image, ready)


def disk(host: Host) -> set[str]:
    """A line for each file, folder and link of its disk, which changes with what it is."""
    listed = host.run("sh", "-c", f"find / -xdev {LISTED}").stdout.splitlines()
    return {line for line in listed if not line.startswith(OF_ANY_LOGIN)}


def processes(host: Host, unit: str = UNIT) -> dict[str, str]:
    """What runs in the unit's control group: pid and command."""
    group = host.run("systemctl", "show", unit, "--property=ControlGroup", "--value").stdout.strip()
    members = host.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs", check=False).stdout.split()
    listed = host.run("ps", "axww", "-o", "pid=,args=").stdout
    commands = dict(line.split(None, 1) for line in listed.splitlines())
    return {pid: commands[pid] for pid in members if pid in commands} if group else {}


def holders(host: Host, name: str, unit: str = UNIT) -> dict[int, str]:
    """The processes of this name that would hold a card each, with their control groups."""
    pids = sorted(int(pid) for pid, command in processes(host, unit).items() if name in command)
    return {pid: host.text(f"/proc/{pid}/cgroup").strip() for pid in pids}


def state(host: Host, unit: str = UNIT) -> str:
    return host.run("systemctl", "is-active", unit, check=False).stdout.strip()


def serving(host: Host, unit: str = UNIT) -> None:
    """Wait until the unit has generated its first token."""
    until(lambda: state(host, unit) == "active", f"{unit} serves on {host.name}", START_S)


def completions(host: Host, port: int) -> int:
    """How many answers a server gave, by its own count."""
    script = (
        f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}/metrics').read())"
    )
    text = ast.literal_eval(host.run("python3", "-c", script).stdout).decode()
    counts = [line for line in text.splitlines() if line.startswith("vllm:request_success_total")]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in counts)
