"""Models load quickly from the disk they lie on.

Why: a server that restarts reads all weights again; at 0.2 GB/s that is ten minutes for 140 GB, in
  which nobody is served.
Fix: Put the models on a local NVMe disk, or look at how the disk is attached and at the network.
Source: a direct sequential read of an existing large file; 2 GB/s is what hosts for rent must have.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import FileSystem
from preflight.findings import Finding, Level, graded
from preflight.measured import Measured

ID = "disk-read"
SUBJECT = FileSystem
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `disk-read`."""

    pass_at_gb_s: float = 2.0  # of a sequential read
    warn_at_gb_s: float = 0.5  # of a sequential read
    weights_gb: float = 140.0  # whose loading time is told: 70 billion parameters of 16 bits


def check(limits: Limits, *, sequential_read: Measured) -> Finding:
    got = sequential_read.median
    status = graded(got, limits.pass_at_gb_s, limits.warn_at_gb_s)
    minutes = limits.weights_gb / got / 60
    words = f"reads {got:.2f} GB/s, required {limits.pass_at_gb_s:g};"
    words += f" {limits.weights_gb:g} GB of weights load in {minutes:.1f} minutes"
    return Finding(status, round(got, 3), limits.pass_at_gb_s, "GB/s", words, basis="measured")
