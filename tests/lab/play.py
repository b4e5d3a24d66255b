"""Playbooks run against hosts of the lab, as a person runs them: by `ansible-playbook`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from .debian import USER, debian, host_key, key
from .host import Host

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
_RECAP = re.compile(r"^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.M)


@dataclass(frozen=True)
class Played:
    """What a run printed and did."""

    status: int
    output: str
    changed: dict[str, int]  # tasks, by host
    tasks: list[tuple[str, float]]  # name and seconds, in order
    skipped: set[str]  # tasks that ran on no host
    seconds: float  # by the clock, of the whole command

    def seconds_in(self, *names: str) -> float:
        """The time of the tasks whose name has one of these words."""
        return sum(s for task, s in self.tasks if any(name in task for name in names))


class Controller:
    """A person with a key, known hosts, a home and variables of their own, all in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known_hosts = folder / "known_hosts"
        self.sockets = folder / "ssh"
        self.sockets.mkdir(parents=True)

    @property
    def api_key(self) -> str:
        """The key that the roles made for this person at the first play."""
        return (self.folder / ".config/gpu-preflight/vllm-api-key").read_text().strip()

    def play(
        self, playbook: str, *hosts: Host, told: dict[str, object], options: str = ""
    ) -> Played:
        """Run a playbook of the repository; what it ended with is the caller's to judge."""
        times = self.folder / "times"
        for old in times.glob("*.xml"):
            old.unlink()
        argv = [str(PROGRAMS / "ansible-playbook"), "-i", str(self.inventory(*hosts))]
        argv += ["-e", f"@{self.variables(told)}", *options.split(), f"playbooks/{playbook}.yml"]
        began = time.monotonic()
        done = self.run(*argv)
        seconds = time.monotonic() - began
        recap = {name: int(changed) for name, _, changed, *_ in _RECAP.findall(done.stdout)}
        return Played(done.returncode, done.stdout, recap, *_tasks(times), seconds)

    def run(self, *argv: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """A program of this project or of Ansible, from the repository's root unless told."""
        return subprocess.run(
            argv,
            cwd=folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
        return kept | {
            "PATH": f"{PROGRAMS}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.sockets),
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit",
            "JUNIT_OUTPUT_DIR": str(self.folder / "times"),
            "JUNIT_HIDE_TASK_ARGUMENTS": "True",
        }

    def inventory(self, *hosts: Host) -> Path:
        """Hosts as a person would list them; nothing tells that they are of a lab."""
        known = host_key(debian())
        self.known_hosts.write_text("".join(f"{host.address} {known}\n" for host in hosts))
        listed = {
            host.name: {
                "ansible_host": host.address,
                "ansible_user": USER,
                "ansible_ssh_private_key_file": str(key()),
                "ansible_ssh_common_args": f"-o UserKnownHostsFile={self.known_hosts}",
            }
            for host in hosts
        }
        path = self.folder / "hosts.json"
        path.write_text(json.dumps({"all": {"hosts": listed}}, indent=1))
        return path

    def variables(self, told: dict[str, object]) -> Path:
        path = self.folder / "told.json"
        path.write_text(json.dumps(told, indent=1))
        return path

    def close(self) -> None:
        """End the connections that Ansible keeps open for its next run."""
        for socket in self.sockets.iterdir():
            subprocess.run(
                ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "lab"], capture_output=True
            )


def _tasks(folder: Path) -> tuple[list[tuple[str, float]], set[str]]:
    """From the report that Ansible itself writes: the only one of its own that has times."""
    cases = [
        case for path in folder.glob("*.xml") for case in ElementTree.parse(path).iter("testcase")
    ]
    ran = [(_name(case), float(case.get("time", 0))) for case in cases]
    done = {_name(case) for case in cases if case.find("skipped") is None}
    return ran, {name for name, _ in ran} - done


def _name(case: ElementTree.Element) -> str:
    """Ansible writes "[host] play: role : task"."""
    return case.get("name", "").partition("] ")[2].partition(": ")[2]
