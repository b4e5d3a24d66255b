"""Each card lets any program compute on it.

Why: a card set to Prohibited refuses every CUDA program, and one set to Exclusive lets in a single
  process: a second server on it, or a tool beside it, fails at its start.
Fix: Set the mode back with nvidia-smi --compute-mode=DEFAULT; look which service sets it.
Source: NVML, nvmlComputeMode_t.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "compute-mode"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `compute-mode`; any mode that is not named warns."""

    accepted: tuple[str, ...] = ("Default",)  # modes that let every program in
    fail: tuple[str, ...] = ("Prohibited",)  # modes that let none in


def check(limits: Limits, *, compute_mode: str) -> Finding:
    expected = limits.accepted[0] if limits.accepted else None
    words = f"compute mode {compute_mode}"
    if compute_mode in limits.accepted:
        return Finding(PASS, compute_mode, expected, message=words)
    status = FAIL if compute_mode in limits.fail else WARN
    return Finding(status, compute_mode, expected, message=f"{words}, required {expected}")
