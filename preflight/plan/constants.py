"""The fitted constants of the memory model; the data is memory.yaml beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@dataclass(frozen=True)
class Constants:
    """Meaning and source of each stand in the data."""

    context_gib: float
    collective_gib: float
    activation_hidden: float
    sampler_bytes: float
    graph_mib: float


@cache
def constants() -> Constants:
    text = (files(__package__) / "memory.yaml").read_text(encoding="utf-8")
    entries: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return Constants(**{name: float(entry["value"]) for name, entry in entries.items()})
