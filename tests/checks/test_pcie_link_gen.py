from __future__ import annotations

import pytest

from preflight.checks.pcie_link_gen import Limits, check
from preflight.findings import FAIL, PASS, Status


@pytest.mark.parametrize(
    "now, could, device, status",
    [
        (5, 5, 5, PASS),
        (3, 3, 4, PASS),  # the host's generation is no fault of the card
        (1, 4, 4, Status.UNKNOWN),  # idle: power saving, and no proof of gen 4 either
        (4, 4, None, PASS),
    ],
)
def test_generations(now: int, could: int, device: int | None, status: Status) -> None:
    finding = check(
        Limits(), pcie_link_gen=now, pcie_link_gen_max=could, pcie_device_gen_max=device
    )
    assert finding.status is status


def test_a_host_that_carries_less_is_noted() -> None:
    noted = check(Limits(), pcie_link_gen=3, pcie_link_gen_max=3, pcie_device_gen_max=4)
    assert "the card alone could do gen 4, this host carries gen 3" in noted.message
    idle = check(Limits(), pcie_link_gen=1, pcie_link_gen_max=3, pcie_device_gen_max=4)
    assert "this host carries gen 3" in (idle.reason or "")
    full = check(Limits(), pcie_link_gen=4, pcie_link_gen_max=4, pcie_device_gen_max=4)
    assert full.message == "PCIe link gen 4, required 4"


@pytest.mark.parametrize("seen, status", [(4, PASS), (3, FAIL)])
def test_what_was_seen_in_a_copy_counts(seen: int, status: Status) -> None:
    finding = check(Limits(), pcie_link_gen=1, pcie_link_gen_max=4, pcie_link_gen_under_load=seen)
    assert (finding.status, finding.measured, finding.basis) == (status, seen, "measured")
