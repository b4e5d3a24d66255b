"""The host has processor cores enough for its cards.

Why: each card needs cores for its worker, for copies and for turning text into tokens; with too
  few the cards wait.
Fix: Use a processor with more cores, or fewer cards.
Source: a guess from what hosting markets demand: four physical cores a card and two for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "cpu-cores"
SUBJECT = Host
REMEDY_CLASS = "replace"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `cpu-cores`."""

    pass_per_gpu: int = 4  # physical cores for each card
    beside: int = 2  # further cores, for the system
    fail_below_per_gpu: int = 2  # not even so many for each card


def check(limits: Limits, *, cpu_cores: int, gpu_counts: Mapping[str, int]) -> Finding:
    cards = max(gpu_counts.values(), default=0)
    wanted = limits.pass_per_gpu * cards + limits.beside
    status = PASS if cpu_cores >= wanted else WARN
    if cpu_cores < limits.fail_below_per_gpu * cards:
        status = FAIL
    words = f"{cpu_cores} processor cores for {cards} cards, required {wanted}"
    return Finding(status, cpu_cores, wanted, "cores", words)
