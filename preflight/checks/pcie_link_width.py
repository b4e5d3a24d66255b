"""Each card runs on the PCIe lanes that it and its slot can carry.

Why: PCIe is the road between a card and the rest of the host, and up to 16 lanes make it wide.
  Half the lanes halve every copy to the card, and between cards that go through the host: a model
  of 24 GB is on its card in a second over 16 lanes of gen 4, in four over 4, in half a minute over
  one of gen 3; tensor parallelism without NVLink loses tokens in the same measure.
Fix: Reseat the card; then look at the riser and at the slot's bifurcation in the BIOS.
Source: PCI Express Base Specification 5.0, 7.5.3.8, Link Status Register; copies seen at 25.5, 6.5
  and 0.8 GB/s over such links.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Basis, Finding

ID = "pcie-link-width"
SUBJECT = Gpu
REMEDY_CLASS = "service"
_RISER = "Put the card straight into a slot of more lanes, or on a riser that carries all of them."


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `pcie-link-width`."""

    fail_at: int = 4  # lanes; as narrow or narrower fails where card and slot can carry more
    riser_at: int = 1  # lanes; a mining riser, which fails whatever it can carry: the card can more


def check(
    limits: Limits,
    *,
    pcie_link_width: int,
    pcie_link_width_max: int,
    pcie_device_width_max: int | None = None,
    pcie_link_width_under_load: int | None = None,
) -> Finding:
    could, told = pcie_link_width_max, pcie_link_width
    got = told if pcie_link_width_under_load is None else pcie_link_width_under_load
    basis: Basis = "reported" if pcie_link_width_under_load is None else "measured"
    if got <= limits.riser_at < (pcie_device_width_max or 0):
        words = f"PCIe link of one lane, required {pcie_device_width_max}: an x1 riser or slot"
        return Finding(FAIL, got, pcie_device_width_max, "lanes", words, _RISER, basis=basis)
    status = PASS if got >= could else FAIL if got <= limits.fail_at else WARN
    seen = "" if got == told else f" while it copied, {told} before"
    cost = "" if got >= could else f": copies at {got / could:.0%} of their speed"
    words = f"PCIe link width {got} lanes{seen}, required {could}{cost}" if seen or cost else ""
    return Finding(status, got, could, "lanes", words, basis=basis)
