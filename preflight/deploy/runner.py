"""One playbook through ansible-runner: its events as they come, its artifacts kept, Ctrl-C obeyed.

Variables and settings lie in a folder of their own that is gone afterwards; what is kept holds
neither them nor the environment.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.deploy.project import Project
from preflight.errors import UsageError

_POLL_S = 0.2  # how often ansible-runner looks up from its output
IDENT = "ansible"  # the artifacts' folder
_WITHOUT = "Ansible is not installed beside preflight"


@dataclass(frozen=True)
class Play:
    """What is to be run; `inventory` is a path, or hosts as Ansible's own structure."""

    project: Project
    playbook: Path
    inventory: str | dict[str, Any]
    variables: Sequence[Path]
    arguments: Sequence[str]  # further ones of ansible-playbook


def run(
    play: Play, folder: Path, take: Callable[[Mapping[str, Any]], None], tick: Callable[[], None]
) -> str:
    """Run it to its end; "" or, where no play came to its end, the last lines that Ansible said.

    `take` gets each event, `tick` is called several times a second. UsageError where Ansible is
    not there; KeyboardInterrupt when interrupted, with every process of the run gone.
    """
    try:
        import ansible_runner
        from ansible_runner.exceptions import AnsibleRunnerException
    except ImportError as error:
        raise UsageError(_WITHOUT, "pip install 'gpu-preflight[deploy]'") from error
    ended = False

    def handle(event: Mapping[str, Any]) -> bool:
        nonlocal ended
        ended = ended or event.get("event") == "playbook_on_stats"
        take(event)
        return True

    with tempfile.TemporaryDirectory(prefix="preflight-deploy-") as private, _interrupts() as asked:
        settings = Path(private) / "env" / "settings"
        settings.parent.mkdir()
        settings.write_text(json.dumps({"pexpect_timeout": _POLL_S}))
        try:
            ansible_runner.run(
                private_data_dir=private,
                project_dir=str(play.project.folder),
                artifact_dir=str(folder),
                ident=IDENT,
                playbook=str(play.playbook),
                inventory=_inventory(play, Path(private)),
                roles_path=str(play.project.roles),
                cmdline=shlex.join(_arguments(play)),
                envvars=_environment(play.project),
                fact_cache_type="memory",
                quiet=True,
                suppress_env_files=True,
                event_handler=handle,
                status_handler=lambda status, runner_config: _forget_environment(folder),
                cancel_callback=lambda: _cancelled(asked, tick),
            )
        except AnsibleRunnerException as error:
            raise UsageError(f"ansible-runner: {error}") from error
        finally:
            _forget_environment(folder)
    if asked.is_set():
        raise KeyboardInterrupt
    return "" if ended else _last_lines(folder)


def _inventory(play: Play, private: Path) -> str:
    if isinstance(play.inventory, str):
        return play.inventory
    path = private / "hosts.json"
    path.write_text(json.dumps(play.inventory))
    return str(path)


def _arguments(play: Play) -> list[str]:
    variables = [word for path in play.variables for word in ("--extra-vars", f"@{path}")]
    return [*variables, *play.arguments]


def _environment(project: Project) -> dict[str, str]:
    """What ansible-runner would set otherwise, or does not know: the programs beside this Python.

    It switches the check of host keys off unless told; a changed key must stop a deployment. It
    gives ssh a terminal on which nobody sits: a question there would be waited for without end.
    """
    programs = str(Path(sys.executable).parent)
    told = {
        "PWD": str(Path.cwd()),  # a path in a variable is one from here
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
        "ANSIBLE_HOST_KEY_CHECKING": os.environ.get("ANSIBLE_HOST_KEY_CHECKING", "True"),
        "ANSIBLE_SSH_EXTRA_ARGS": os.environ.get("ANSIBLE_SSH_EXTRA_ARGS", "-o BatchMode=yes"),
    }
    config = project.folder / "ansible.cfg"
    if config.is_file() and "ANSIBLE_CONFIG" not in os.environ:
        told["ANSIBLE_CONFIG"] = str(config)
    return told


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Set by Ctrl-C or a request to end; ansible-runner looks at it between two outputs."""
    asked = threading.Event()
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda *_: asked.set()) for kind in kinds}
    try:
        yield asked
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _cancelled(asked: threading.Event, tick: Callable[[], None]) -> bool:
    tick()
    if not asked.is_set():
        return False
    for pid in _descendants(os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it has just ended
            continue
    return True


def _descendants(root: int) -> list[int]:
    """Children of children, too: Ansible's workers and their ssh are in sessions of their own."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    parents = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    found, new = set[int](), {root}
    while new:
        new = {pid for pid, parent in parents if parent in new} - found
        found |= new
    return sorted(found)


def _forget_environment(folder: Path) -> None:
    """ansible-runner keeps the whole environment beside the command, with whatever is secret."""
    path = folder / IDENT / "command"
    if not path.is_file():
        return
    told = json.loads(path.read_text())
    if told.pop("env", None) is not None:
        path.write_text(json.dumps(told))


def _last_lines(folder: Path) -> str:
    said = folder / IDENT / "stdout"
    lines = said.read_text(errors="replace").strip().splitlines() if said.is_file() else []
    return "\n".join(lines[-12:]) or "Ansible ended without a word"
