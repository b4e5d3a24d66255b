"""What the ports on a card's path report: advanced errors, and redirection of peer traffic."""

from __future__ import annotations

import re

from preflight.facts import AerCounts, Fact, Missing, NotApplicable
from preflight.understand import kernel
from preflight.understand.cards import CardEvidence
from preflight.understand.kernel import Logs
from preflight.understand.link import ports_above
from preflight.understand.pci_tree import PciDevice
from preflight.understand.picking import Picked, Picks, first
from preflight.understand.sources import Json

_SEVERITIES = ("corrected", "nonfatal", "fatal")
_COUNTERS = {
    "corrected": ("aer_dev_correctable", re.compile(r"TOTAL_ERR_COR (\d{1,12})")),
    "nonfatal": ("aer_dev_nonfatal", re.compile(r"TOTAL_ERR_NONFATAL (\d{1,12})")),
    "fatal": ("aer_dev_fatal", re.compile(r"TOTAL_ERR_FATAL (\d{1,12})")),
}
_REDIRECTS = ("src_valid", "req_redir")


def ports(card: CardEvidence, logs: Logs) -> Picks:
    return {"aer": _aer(card, logs), "acs_redirecting": first(("lspci", _acs(card)))}


def _aer(card: CardEvidence, logs: Logs) -> Picked:
    """Counts of the kernel and bits of lspci; neither read means that nothing is known.

    A silent log alone proves nothing: where the firmware keeps error reporting to itself, the
    kernel never logs one.
    """
    path = _path(card)
    sticky = {device.pci: _sticky(card, device.pci) for device in path}
    counted = {
        severity: {device.pci: _count(device, severity, logs) for device in path}
        for severity in _SEVERITIES
    }
    source = next((name for name, has in _read(card, path, logs).items() if has), "")
    if not source:
        return Picked(_unread(card))
    found = {
        severity: {port: count for port, count in of.items() if count is not None}
        for severity, of in counted.items()
    }
    return Picked(
        AerCounts(
            **found,
            sticky_corrected={port: bits[0] for port, bits in sticky.items() if bits},
            sticky_uncorrected={port: bits[1] for port, bits in sticky.items() if bits},
        ),
        source,
    )


def _path(card: CardEvidence) -> tuple[PciDevice, ...]:
    own = PciDevice(card.pci, ()) if isinstance(card.sysfs, Missing) else card.sysfs
    above = ports_above(card)
    return (own, *(() if isinstance(above, Missing) else above))


def _read(card: CardEvidence, path: tuple[PciDevice, ...], logs: Logs) -> dict[str, bool]:
    names = [name for name, _ in _COUNTERS.values()]
    return {
        "sysfs-pci": any(name in device.files for device in path for name in names),
        "lspci": any(_sticky(card, device.pci) is not None for device in path),
        logs.names: any(kernel.reports(logs, d.pci, s) for d in path for s in _SEVERITIES),
    }


def _unread(card: CardEvidence) -> Missing:
    if card.host.is_guest:
        return Missing("guest-view", "only the hypervisor sees the ports' error reports")
    if isinstance(card.lspci, Missing):
        return card.lspci
    if card.lspci.get("access_denied"):
        return Missing("not-permitted", "lspci: Capabilities: <access denied>")
    return Missing("not-present", "neither kernel nor lspci shows error reports of this path")


def _count(device: PciDevice, severity: str, logs: Logs) -> int | None:
    """The kernel's counter, or its lines where they are more: a reset clears the counter.

    None where there is neither: lines that are absent count nothing.
    """
    name, total = _COUNTERS[severity]
    match = total.search(device.files.get(name, "")[:4096])
    lines = kernel.reports(logs, device.pci, severity)
    return max(int(match.group(1)), lines) if match else lines or None


def _sticky(card: CardEvidence, pci: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """(corrected, uncorrected) status bits that lspci shows set."""
    aer = _device(card, pci).get("aer")
    if not aer:
        return None
    return tuple(aer["corrected"] or ()), tuple(aer["uncorrected"] or ())


def _device(card: CardEvidence, pci: str) -> Json:
    listing = card.host.lspci
    return {} if isinstance(listing, Missing) else listing.get(pci, {})


def _acs(card: CardEvidence) -> Fact[tuple[str, ...]]:
    """The bridges above that send peer traffic up to the root; those without ACS send none."""
    if card.host.is_guest:
        return NotApplicable("a guest cannot see ACS")
    above = ports_above(card)
    if isinstance(above, Missing):
        return above
    if isinstance(card.host.lspci, Missing):
        return card.host.lspci
    devices = [(port.pci, _device(card, port.pci)) for port in above]
    if any(device.get("access_denied") for _, device in devices):
        return Missing("not-permitted", "lspci: Capabilities: <access denied>")
    unlisted = [pci for pci, device in devices if not device]
    if unlisted:
        return Missing("not-present", f"lspci does not list {unlisted[0]}")
    return tuple(pci for pci, device in devices if _redirects(device))


def _redirects(bridge: Json) -> bool:
    acs = bridge.get("acs") or {}
    return any(acs.get(name) for name in _REDIRECTS)
