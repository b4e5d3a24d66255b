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
    startup_small_gib: float
    startup_large_gib: float

    def startup_gib(self, capability: tuple[int, int]) -> float:
        """Of the CUDA context that vLLM's process has when it first asks what is free."""
        is_small = capability < (9, 0) and capability != (8, 0)
        return self.startup_small_gib if is_small else self.startup_large_gib


@cache
def constants() -> Constants:
    text = (files(__package__) / "memory.yaml").read_text(encoding="utf-8")
    entries: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return Constants(**{name: float(entry["value"]) for name, entry in entries.items()})
