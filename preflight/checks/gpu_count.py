"""Every card on the PCI bus is one that the driver can use, and every source counts the same.

Why: a card that the driver has lost is paid for and cannot compute, and any layout over all cards
  will not start. The bus lists cards even where the driver does not, so the two are compared.
Fix: Power-cycle the host and look for Xid 79 in the kernel log; then reseat the card that is
  absent and look at its power cables and riser.
Source: lspci's list of class 03xx against NVML and /proc/driver/nvidia/gpus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, PASS, WARN, Finding, Status

ID = "gpu-count"
SUBJECT = Host
REMEDY_CLASS = "power-cycle"

_BUS = ("lspci", "sysfs-pci")  # they list a card with or without a driver
_GRANTED = ("nvml", "smi-q")  # inside a container they count the cards that were given to it
_NO_BUS = "no source that lists PCI devices could be read"
_NO_DRIVER = "the driver does not answer inside this container"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the expectation is what the bus shows."""


def check(limits: Limits, *, gpu_counts: Mapping[str, int], is_container: bool = False) -> Finding:
    bus = _largest(gpu_counts, _BUS)
    said = ", ".join(f"{source} {count}" for source, count in sorted(gpu_counts.items()))
    if bus is None:
        return Finding(Status.UNKNOWN, reason=_NO_BUS)
    if is_container:
        return _inside(bus, _largest(gpu_counts, _GRANTED), said)
    got, expected = min(gpu_counts.values()), max(gpu_counts.values())
    if bus == 0:
        return Finding(FAIL, got, message=f"no NVIDIA card on the PCI bus ({said})")
    if got < expected:
        words = f"GPU count {got}, required {expected}: the sources disagree ({said})"
        return Finding(FAIL, got, expected, message=words)
    note = "" if set(gpu_counts) - set(_BUS) else "; the driver was not heard"
    return Finding(PASS, got, expected, message=f"GPU count {got} ({said}{note})")


def _inside(bus: int, granted: int | None, said: str) -> Finding:
    """A container is given some of the host's cards, and may not see the bus at all."""
    if granted is None:
        return Finding(Status.UNKNOWN, reason=_NO_DRIVER)
    if granted == 0:
        return Finding(FAIL, 0, message=f"no card was given to this container ({said})")
    words = f"GPU count {granted} ({said})"
    if granted < bus:
        words = f"this container was given {granted} of the host's {bus} cards ({said})"
    elif granted > bus:
        words = f"GPU count {granted} by the driver alone: the container hides the bus ({said})"
    return Finding(PASS if granted == bus else WARN, granted, bus, message=words)


def _largest(counts: Mapping[str, int], sources: tuple[str, ...]) -> int | None:
    return max((counts[source] for source in sources if source in counts), default=None)
