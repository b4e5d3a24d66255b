"""The use case: a layout, hosts and variables to an outcome, the run's artifacts in a folder."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from preflight.deploy import project as projects
from preflight.deploy.events import Event, read
from preflight.deploy.inventory import inventory
from preflight.deploy.outcome import Outcome
from preflight.deploy.project import Project
from preflight.deploy.runner import Play, run
from preflight.deploy.variables import files
from preflight.errors import UsageError
from preflight.layout import Layout


class Watch(Protocol):
    """Told how far it is."""

    def __call__(self, event: Event, /) -> None: ...
    def tick(self) -> None: ...


@dataclass(frozen=True)
class Wanted:
    """What a person asks for; `hosts` are patterns where an inventory is named."""

    layout: Layout
    hosts: tuple[str, ...]
    inventory: str | None = None
    variables: tuple[str, ...] = ()  # as Ansible takes them after -e
    sudo_password: str | None = None
    is_check: bool = False
    with_diff: bool = False


def deploy(wanted: Wanted, parent: Path, watch: Watch, project: Project | None = None) -> Outcome:
    """Play it; the artifacts are in a new folder of `parent`. UsageError before anything is run."""
    project = project or projects.find()
    playbook = project.playbook(wanted.layout)
    hosts = _inventory(wanted)
    folder = _folder(parent, wanted.layout)
    outcome = Outcome(wanted.layout.name, folder, wanted.is_check)

    def take(raw: Mapping[str, Any]) -> None:
        event = read(raw)
        if event is not None:
            outcome.take(event)
            watch(event)

    with tempfile.TemporaryDirectory(prefix="preflight-variables-") as private:
        variables = files(Path(private), _own_variables(wanted, folder), wanted.variables)
        play = Play(project, playbook, hosts, variables, _arguments(wanted))
        outcome.trouble = run(play, folder, take, watch.tick)
    return outcome


def _inventory(wanted: Wanted) -> str | dict[str, Any]:
    if wanted.inventory is None:
        return inventory(wanted.hosts)
    path = Path(wanted.inventory).expanduser().absolute()
    if not path.exists():
        raise UsageError(f"{wanted.inventory}: no such inventory")
    return str(path)


def _folder(parent: Path, layout: Layout) -> Path:
    """A new one, named for the moment and the layout."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder = parent.absolute() / f"{stamp}-{layout.name}"
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from error
    return folder


def _own_variables(wanted: Wanted, folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = {
        "preflight_layout": wanted.layout.name,
        "preflight_report_folder": str(folder / "evidence"),
    }
    if wanted.layout.is_one_server:
        told["layout_tensor_parallel_size"] = wanted.layout.tensor_parallel_size
        told["layout_pipeline_parallel_size"] = wanted.layout.pipeline_parallel_size
    if wanted.sudo_password is not None:
        told["ansible_become_password"] = wanted.sudo_password
    return told


def _arguments(wanted: Wanted) -> list[str]:
    limit = ["--limit", ",".join(wanted.hosts)] if wanted.inventory else []
    check = ["--check"] * wanted.is_check
    return [*limit, *check, *["--diff"] * wanted.with_diff]
