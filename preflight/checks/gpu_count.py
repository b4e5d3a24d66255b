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

_BUS = frozenset({"lspci", "sysfs-pci", "sysfs"})  # they list a card without a driver, too
_NO_BUS = "no source that lists PCI devices could be read"
_NO_DRIVER = "the driver does not answer inside this container"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the expectation is what the bus shows."""


def check(limits: Limits, *, gpu_counts: Mapping[str, int], is_container: bool = False) -> Finding:
    bus = [count for source, count in gpu_counts.items() if source in _BUS]
    driver = [count for source, count in gpu_counts.items() if source not in _BUS]
    said = ", ".join(f"{source} {count}" for source, count in sorted(gpu_counts.items()))
    if bus and max(bus) == 0:
        return Finding(FAIL, 0, message=f"no NVIDIA card on the PCI bus ({said})")
    if is_container:
        return _inside(bus, driver, said)
    if not bus:
        return Finding(Status.UNKNOWN, reason=_NO_BUS)
    got, expected = min(gpu_counts.values()), max(gpu_counts.values())
    if got < expected:
        return _disagreement(got, expected, said)
    note = "" if driver else "; the driver was not heard"
    return Finding(PASS, got, expected, message=f"GPU count {got} ({said}{note})")


def _inside(bus: list[int], driver: list[int], said: str) -> Finding:
    """A container is given some of the host's cards, and may see all of the bus or nothing."""
    if not driver:
        return Finding(Status.UNKNOWN, reason=_NO_DRIVER)
    granted, expected = min(driver), max(driver)
    if granted < expected:
        return _disagreement(granted, expected, said)
    if granted == 0:
        return Finding(FAIL, 0, message=f"no card was given to this container ({said})")
    if granted < max(bus, default=0):
        words = f"this container was given {granted} of the host's {max(bus)} cards ({said})"
        return Finding(WARN, granted, max(bus), message=words)
    note = "" if granted in bus else "; the container hides the bus"
    return Finding(PASS, granted, granted, message=f"GPU count {granted} ({said}{note})")


def _disagreement(got: int, expected: int, said: str) -> Finding:
    words = f"GPU count {got}, required {expected}: the sources disagree ({said})"
    return Finding(FAIL, got, expected, message=words)
