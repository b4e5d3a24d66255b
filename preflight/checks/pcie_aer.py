"""The PCIe links on the way to each card report no errors.

Why: a link repairs what it can by sending again, which costs speed; what it cannot repair stops a
  job or takes the card off the bus. Errors on the way to a card mean a bad riser, cable or contact.
Fix: Reseat the card; then try another riser or slot, and a lower PCIe generation in the BIOS.
Source: PCI Express Base Specification 5.0, 7.8.4, Advanced Error Reporting. That a count above 0
  matters is a guess until a rate is measured; which status bits sound machines show is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.facts import AerCounts, Card, Gpu
from preflight.findings import FAIL, PASS, WARN, Finding, Status

ID = "pcie-aer"
SUBJECT = Gpu
REMEDY_CLASS = "service"
_NO_COUNTER = "the kernel's error counters could not be read"

Bits = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `pcie-aer`."""

    fail_uncorrected_above: int = 0  # fatal and non-fatal errors since boot
    warn_corrected_above: int = 0  # corrected errors since boot
    fail_corrected_per_minute_above: float = 32.0  # while the host is measured: 480 in 15 minutes
    # Status bits that any host sets: advisory errors, and requests nobody answers at boot.
    ordinary_bits: tuple[str, ...] = ("AdvNonFatalErr", "UnsupReq")
    # Eight sound H100s at gen 5 show these, left from the training of the link.
    data_center_bits: tuple[str, ...] = ("RxErr", "BadTLP", "BadDLLP", "Timeout")


def check(
    limits: Limits,
    *,
    aer: AerCounts,
    catalog: Card | None = None,
    pcie_errors_under_load: Mapping[str, int] | None = None,
    copying_s: float = 0.0,
    pcie_replays: int | None = None,
) -> Finding:
    grown = pcie_errors_under_load or {}
    if finding := _in_test(limits, grown, max(copying_s / 60, 1.0)):
        return finding
    uncorrected = sum(aer.fatal.values()) + sum(aer.nonfatal.values())
    corrected = sum(aer.corrected.values())
    if uncorrected > limits.fail_uncorrected_above:
        ports = _ports(aer.fatal, aer.nonfatal)
        words = f"PCIe errors that no link could correct: {uncorrected}, required 0, at {ports}"
        return Finding(FAIL, uncorrected, limits.fail_uncorrected_above, message=words)
    if corrected > limits.warn_corrected_above:
        words = f"corrected PCIe errors since boot: {corrected}, at {_ports(aer.corrected)}"
        return Finding(WARN, corrected, limits.warn_corrected_above, message=words)
    if telling := _telling_bits(limits, aer, catalog):
        repeated = f"; {pcie_replays} replays since the driver loaded" if pcie_replays else ""
        words = f"PCIe error bits set at {'; '.join(telling)}{repeated}"
        return Finding(WARN, telling, message=words)
    if not (aer.corrected or aer.nonfatal or aer.fatal):
        return Finding(Status.UNKNOWN, reason=_NO_COUNTER)
    words = f"PCIe errors since boot: {uncorrected} uncorrected, {corrected} corrected, required 0"
    return Finding(PASS, corrected, limits.warn_corrected_above, message=words)


def _in_test(limits: Limits, grown: Mapping[str, int], minutes: float) -> Finding | None:
    """What the counters grew by under load; a test shorter than a minute is judged as one."""
    lost = grown.get("fatal", 0) + grown.get("nonfatal", 0)
    if lost:
        words = f"PCIe errors that no link could correct, while it was measured: {lost}"
        return Finding(FAIL, lost, 0, message=words, basis="measured")
    corrected = grown.get("corrected", 0)
    most = limits.fail_corrected_per_minute_above * minutes
    if corrected > most:
        words = (
            f"corrected PCIe errors while it was measured: {corrected}, a fault above {most:.0f}"
        )
        return Finding(FAIL, corrected, most, message=words, basis="measured")
    return None


def _telling_bits(limits: Limits, aer: AerCounts, catalog: Card | None) -> tuple[str, ...]:
    """Ports whose status bits stand for more than an ordinary start of the host."""
    usual = set(limits.ordinary_bits)
    if catalog is not None and catalog.form == "data-center":
        usual |= set(limits.data_center_bits)
    every = (aer.sticky_uncorrected, aer.sticky_corrected)
    left = {port: _left(every, port, usual) for bits in every for port in bits}
    return tuple(f"{port} {', '.join(bits)}" for port, bits in sorted(left.items()) if bits)


def _left(every: tuple[Bits, Bits], port: str, usual: set[str]) -> list[str]:
    return [bit for bits in every for bit in bits.get(port, ()) if bit not in usual]


def _ports(*counts: Mapping[str, int]) -> str:
    return ", ".join(sorted({port for count in counts for port, n in count.items() if n}))
