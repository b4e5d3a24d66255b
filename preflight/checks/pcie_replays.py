"""The card's link repeats no packets while it is loaded.

Why: a packet that arrives damaged is sent again, which costs time at best; a link that does so all
  the time loses a packet for good one day, and with it the card.
Fix: Reseat the card; try another riser, cable or slot, and one PCIe generation less in the BIOS.
Source: the driver's replay counter before and after; PCI Express Base Specification 5.0, 8.3: a bit
  error rate of 1e-12, which is lanes x GT/s x 0.06 errors a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, WARN, Finding, Level, Status
from preflight.link_rates import gt_s

ID = "pcie-replays"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "service"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `pcie-replays`."""

    warn_above: int = 0  # replays in the test
    errors_per_lane_gt_minute: float = 0.06  # a bit error rate of 1e-12; more fails
    least_minutes: float = 1.0  # a shorter test is judged as if it had lasted so long


def check(
    limits: Limits,
    *,
    pcie_replays_under_load: int,
    pcie_link_gen_under_load: int,
    pcie_link_width_under_load: int,
    copying_s: float,
) -> Finding:
    grown, rate = pcie_replays_under_load, gt_s(pcie_link_gen_under_load)
    if rate is None:
        return Finding(Status.UNKNOWN, grown, reason=f"gen {pcie_link_gen_under_load} is not known")
    minutes = max(copying_s / 60, limits.least_minutes)
    lanes = pcie_link_width_under_load
    most = ceil(lanes * rate * limits.errors_per_lane_gt_minute * minutes)
    status = FAIL if grown > most else WARN if grown > limits.warn_above else PASS
    words = (
        f"{grown} packets repeated in {copying_s:.0f} s of copies, required 0; a fault above {most}"
    )
    return Finding(status, grown, limits.warn_above, "replays", words, basis="measured")
