"""The simulated machines: recorded evidence, and what was changed in it.

machines/NAME/machine.yaml: `title`, `policy` it is made for, `base` (another machine, or a file
of recorded/), `changes` (patch.py), `probe` where another user asks (user, uid, sudo). The base's
capture is real; see docs/demo.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml

from preflight.capture import Capture, Measurement
from preflight.demo.measured import measurements
from preflight.demo.patch import changed, lines_joined
from preflight.errors import UsageError

DEFAULT = "rtx4090x2"
_MACHINES = files("preflight.demo") / "machines"
_RECORDED = files("preflight.demo") / "recorded"


@dataclass(frozen=True)
class Machine:
    name: str
    title: str  # one line
    policy: str  # name of the policy it is made to be judged by
    capture: Capture  # what a probe is to find there


@cache
def names() -> tuple[str, ...]:
    """All machines, the default one first."""
    found = sorted(folder.name for folder in _MACHINES.iterdir() if folder.is_dir())
    return tuple(sorted(found, key=lambda name: name != DEFAULT))


@cache
def load(name: str) -> Machine:
    """A machine by name; UsageError for one that is not there."""
    told = _told(name)
    base = _base(told)
    asked_by = {**base["probe"], **told.get("probe", {})}
    capture = msgspec.convert({**base, "probe": asked_by, "sources": _sources(name)}, Capture)
    capture = msgspec.structs.replace(capture, measurements=_measurements(name))
    return Machine(name, told["title"], told.get("policy", "default"), capture)


def _measurements(name: str) -> list[Measurement]:
    """None for a machine that has none of its own: what its base measured says nothing of it."""
    file = _MACHINES / name / "measured.yaml"
    if not file.is_file():
        return []
    base = _told(name)["base"]
    below = [] if base.endswith(".json") else _measurements(base)
    return measurements(below, _yaml(file.read_text(encoding="utf-8")))


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def _told(name: str) -> dict[str, Any]:
    if name not in names():
        raise UsageError(f"no simulated machine {name!r}", f"there are: {', '.join(names())}")
    text = (_MACHINES / name / "machine.yaml").read_text(encoding="utf-8")
    told: dict[str, Any] = _yaml(text)
    return told


def _base(told: dict[str, Any]) -> dict[str, Any]:
    """The recorded capture at the bottom, its texts joined."""
    while not told["base"].endswith(".json"):
        told = _told(told["base"])
    text = (_RECORDED / told["base"]).read_text(encoding="utf-8")
    return _joined(json.loads(text))


def _joined(capture: dict[str, Any]) -> dict[str, Any]:
    for source in capture["sources"].values():
        for key in ("stdout", "stderr", "files"):
            if key in source:
                source[key] = lines_joined(source[key])
    return capture


def _sources(name: str) -> dict[str, Any]:
    told = _told(name)
    base = told["base"]
    sources = _base(told)["sources"] if base.endswith(".json") else _sources(base)
    return changed(sources, told.get("changes", ()), _MACHINES / name)
