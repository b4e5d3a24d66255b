"""No port between a card and the processor is narrower than the card.

Why: a card's own link may be full while the slot behind it has fewer lanes, or a switch above it
  a thinner uplink: copies then run at the narrowest part of the way, and no reading of the card
  itself shows it.
Fix: Move the card to a slot that has all lanes from the processor; look at the board's manual for
  slots that share lanes, and at bifurcation in the BIOS.
Source: PCI Express Base Specification 5.0, 7.5.3.6, Link Capabilities of each port up to the root.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Bridge, Gpu, NvLink
from preflight.findings import PASS, WARN, Finding, Status

ID = "pcie-upstream-link"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"
_SPREAD = (
    "Expect each card's part of the uplink when all copy at once; let cards behind one switch work "
    "together, or spread them over more slots of the processor."
)
_UNREAD = "no port above the card could be read"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the card's own lanes are the measure."""


def check(
    limits: Limits,
    *,
    upstream: tuple[Bridge, ...],
    pcie_device_width_max: int,
    pcie_link_gen_max: int,
    pcie_link_width_max: int,
    uplink_shared_by: tuple[str, ...] = (),
    nvlink: NvLink | None = None,
) -> Finding:
    widths = [(w, port) for i, port in enumerate(upstream) if (w := _lanes(port, i == 0))]
    if not widths:
        return Finding(Status.UNKNOWN, reason=_UNREAD)
    lanes, narrowest = min(widths, key=lambda pair: pair[0])
    if lanes < pcie_device_width_max:
        words = f"{lanes} lanes at port {narrowest.pci} above a card with {pcie_device_width_max}"
        return Finding(WARN, lanes, pcie_device_width_max, "lanes", words)
    own = _speed(pcie_link_gen_max, pcie_link_width_max)
    for width, port in widths:
        if port.link_gen_max is not None and _speed(port.link_gen_max, width) < own:
            words = (
                f"gen {port.link_gen_max} with {width} lanes at port {port.pci} above a link "
                f"of gen {pcie_link_gen_max} with {pcie_link_width_max} lanes"
            )
            return Finding(WARN, port.link_gen_max, pcie_link_gen_max, message=words)
    if uplink_shared_by and not (nvlink and nvlink.active):
        return _shared(uplink_shared_by, upstream[-1].pci, lanes, pcie_device_width_max)
    return Finding(PASS, lanes, pcie_device_width_max, "lanes")


def _shared(cards: tuple[str, ...], port: str, lanes: int, own: int) -> Finding:
    """Copies of one card at a time are whole; NVLinked cards need the uplink little."""
    words = f"{len(cards)} cards behind one switch share {lanes} lanes at port {port}"
    words += f": {', '.join(cards)}"
    return Finding(WARN, lanes, own, "lanes", words, _SPREAD, "watch")


def _lanes(port: Bridge, holds_card: bool) -> int | None:
    """What the port carries: its lanes in use, but all it has where the card's own link is below.

    That link is judged by pcie-link-width. Idling lowers a link's speed, never its lanes.
    """
    if holds_card:
        return port.link_width_max
    return min((w for w in (port.link_width, port.link_width_max) if w), default=None)


def _speed(gen: int, lanes: int) -> int:
    """Each generation doubles a lane's rate; only the ratio of two of these means anything."""
    return lanes << gen
