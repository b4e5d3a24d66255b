"""Where the playbooks and roles are, in a checkout and where the package is installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from preflight.errors import UsageError
from preflight.layout import REPLICAS, SPLIT, Layout

_PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT, INSTALLED = _PACKAGE.parent, _PACKAGE / "project"


@dataclass(frozen=True)
class Project:
    """A folder with `playbooks`, `roles` and perhaps an `ansible.cfg`."""

    folder: Path

    @property
    def roles(self) -> Path:
        return self.folder / "roles"

    def playbook(self, layout: Layout) -> Path:
        """The playbook of this layout; UsageError where it is not there."""
        path = self.folder / "playbooks" / f"deploy-{_kind(layout)}.yml"
        if not path.is_file():
            raise UsageError(f"no playbook for {layout.name}: {path} is not there")
        return path


def find() -> Project:
    """The checkout's own folder, else what the wheel carries."""
    for folder in (CHECKOUT, INSTALLED):
        if (folder / "playbooks").is_dir() and (folder / "roles").is_dir():
            return Project(folder)
    raise UsageError("this installation holds no playbooks", "install gpu-preflight from its wheel")


def _kind(layout: Layout) -> str:
    """One playbook serves each size: its name is that of the smallest."""
    if layout.name in (REPLICAS, SPLIT):
        return layout.name
    return "tp2" if layout.pipeline_parallel_size == 1 else "pp2"
