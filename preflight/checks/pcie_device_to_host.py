"""Copies from the card to the host reach what the card's link carries.

Why: a cache that is moved out, and all that is staged between cards, goes this way. A riser, a slot
  or a setting that halves the link halves all of it, whatever the link says of itself.
Fix: Reseat the card; try another slot and no riser; look at bifurcation and slot speed in the BIOS.
Source: raw rates of PCI Express Base Specification 5.0, less the heads of packets; seen 55.1 to
  57.3 GB/s with 5.0 x16, 25.5 to 27.1 with 4.0 x16, 12.0 to 13.2 with 3.0 x16 or 4.0 x8.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from preflight.facts import Gpu
from preflight.findings import Finding, Level
from preflight.host_copies import Lanes, Table, judge
from preflight.measured import Measured

ID = "pcie-device-to-host"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `pcie-device-to-host`: GB/s by what the link carries, raw."""

    raw_gb_s: tuple[float, ...] = (63.0, 31.5, 15.75, 7.88, 3.94)  # 5.0 x16 … 3.0 x4
    warn_below_gb_s: tuple[float, ...] = (52.0, 24.0, 11.5, 5.8, 2.9)  # one for each of these links
    fail_below_gb_s: tuple[float, ...] = (48.0, 21.0, 10.5, 5.3, 2.6)  # one for each of these links
    riser_raw_gb_s: float = 0.99  # a link of 3.0 x1 or less is a mining riser and always fails

    def __post_init__(self) -> None:
        Table(*astuple(self))


def check(
    limits: Limits,
    *,
    device_to_host: Measured,
    pcie_raw_gb_s: float,
    host_to_device: Measured | None = None,
    pcie_link_gen_under_load: int | None = None,
    pcie_link_gen_max: int | None = None,
    pcie_link_width_under_load: int | None = None,
    pcie_link_width_max: int | None = None,
    is_in_guest: bool = False,
) -> Finding:
    gen = pcie_link_gen_under_load, pcie_link_gen_max
    width = pcie_link_width_under_load, pcie_link_width_max
    lanes = Lanes(pcie_raw_gb_s, gen, width, host_to_device, is_in_guest)
    return judge(Table(*astuple(limits)), "device to host", device_to_host, lanes)
