"""Nobody else is using the card.

Why: a card that is let or sold as free must be free: another program takes memory and time, spoils
  every measurement, and may be another customer's.
Fix: Find out whose the programs are and end them, or take the card out of the offer.
Source: NVML's processes, memory and utilisation. 500 MiB and 5 % are guesses above what an idle
  driver takes; a screen's programs took 63 MiB and more on recorded desktops, Xorg without a
  screen 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu, GpuProcess, GpuUse
from preflight.findings import FAIL, PASS, WARN, Finding
from preflight.measured import Rest

ID = "gpu-in-use"
SUBJECT = Gpu
REMEDY_CLASS = "restart-app"
_SHOWN = 3


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `gpu-in-use`."""

    memory_above_mib: int = 500  # without the driver's own reserve
    utilization_above_percent: int = 5  # of one sample, and of the mean while it was watched
    desktop_at_mib: int = 20  # of graphics programs: somebody sits before a screen


def check(
    limits: Limits, *, use: GpuUse, catalog: Card | None = None, rest: Rest | None = None
) -> Finding:
    compute = [p for p in use.processes if p.kind != "graphics"]
    load = max(use.utilization_percent or 0, (rest and rest.utilization_percent) or 0)
    busy = load > limits.utilization_above_percent
    used = use.memory_used_mib
    words = f"{used} MiB in use{_percent(use, rest)}, by {_names(use.processes)}"
    limit = limits.memory_above_mib
    if not (compute or busy or used > limit):
        return Finding(PASS, used, limit, "MiB", f"free: {words}")
    on_desktop = _is_desktop(limits, use) and (catalog is None or catalog.form != "data-center")
    if on_desktop:
        return Finding(WARN, used, limit, "MiB", f"a desktop uses this card: {words}")
    return Finding(FAIL, used, limit, "MiB", f"shared: {words}, required free")


def _is_desktop(limits: Limits, use: GpuUse) -> bool:
    screen = sum(p.memory_mib or 0 for p in use.processes if p.kind == "graphics")
    return screen >= limits.desktop_at_mib


def _percent(use: GpuUse, rest: Rest | None) -> str:
    if rest is not None and rest.utilization_percent is not None:
        return f" at {rest.utilization_percent:.0f} % load over {rest.window_s:.0f} s"
    return "" if use.utilization_percent is None else f" at {use.utilization_percent} % load"


def _names(processes: tuple[GpuProcess, ...]) -> str:
    if not processes:
        return "no process that is shown"
    computing_first = sorted(processes, key=lambda process: process.kind == "graphics")
    shown = [f"{p.name or 'hidden'} (pid {p.pid})" for p in computing_first[:_SHOWN]]
    more = len(processes) - _SHOWN
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
