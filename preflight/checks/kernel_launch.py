"""Starting a kernel takes little time.

Why: a small model starts hundreds of kernels for each token; where each start takes long the card
  waits for the processor.
Fix: Set the processor's governor to performance, look for other load on the host and for a
  hypervisor that holds it back.
Source: an empty kernel started from Python, again and again: 6 to 8 µs beside two H100s. The limits
  are a guess for other processors and warn beside other cards.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu
from preflight.findings import FAIL, PASS, WARN, Finding, Level, where_proven
from preflight.measured import Measured

ID = "kernel-launch"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `kernel-launch`."""

    pass_to_us: float = 10.0  # of the better quartile, which others on the host do not disturb
    warn_to_us: float = 20.0  # of the better quartile
    proven: tuple[str, ...] = ("H100 80GB HBM3", "H200")  # products on whose hosts they hold


def check(limits: Limits, *, launch_latency: Measured, catalog: Card | None = None) -> Finding:
    got = launch_latency.better
    status = PASS if got <= limits.pass_to_us else WARN if got <= limits.warn_to_us else FAIL
    status = where_proven(status, limits.proven, catalog.name if catalog else None)
    words = f"start of an empty kernel {got:.1f} µs, required {limits.pass_to_us:g}"
    return Finding(status, round(got, 2), limits.pass_to_us, "µs", words, basis="measured")
