"""Each card runs on the PCIe lanes that it and its slot can carry.

Why: half the lanes halve host copies, and peer copies staged through the host.
Fix: Reseat the card; then look at the riser and at the slot's bifurcation in the BIOS.
Source: PCI Express Base Specification 5.0, 7.5.3.8, Link Status Register.
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
    words = ""
    if got != told:
        words = f"PCIe link width {got} lanes while it copied, {told} before, required {could}"
    return Finding(status, got, could, "lanes", words, basis=basis)
