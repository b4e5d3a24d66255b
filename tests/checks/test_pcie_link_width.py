from __future__ import annotations

import pytest

from preflight.checks.pcie_link_width import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "got, could, status",
    [
        (16, 16, PASS),
        (8, 8, PASS),  # the slot has no more; pcie-upstream-link speaks of it
        (4, 4, PASS),  # a GT 1030 has no more
        (8, 16, WARN),
        (5, 16, WARN),
        (4, 16, FAIL),
        (1, 16, FAIL),
        (2, 4, FAIL),
    ],
)
def test_lanes(got: int, could: int, status: Status) -> None:
    finding = check(Limits(), pcie_link_width=got, pcie_link_width_max=could)
    assert (finding.status, finding.measured, finding.expected) == (status, got, could)
    assert finding.unit == "lanes"


def test_a_policy_may_fail_half_the_lanes() -> None:
    limits = Limits(fail_at=8)
    assert check(limits, pcie_link_width=8, pcie_link_width_max=16).status is FAIL
    assert check(limits, pcie_link_width=9, pcie_link_width_max=16).status is WARN


@pytest.mark.parametrize("got, own, status", [(1, 16, FAIL), (2, 16, PASS), (1, 1, PASS)])
def test_a_riser_of_one_lane_is_none_for_a_card_that_can_more(
    got: int, own: int, status: Status
) -> None:
    finding = check(
        Limits(), pcie_link_width=got, pcie_link_width_max=got, pcie_device_width_max=own
    )
    assert finding.status is status


@pytest.mark.parametrize("loaded, status", [(16, PASS), (8, WARN), (4, FAIL), (None, WARN)])
def test_what_was_seen_in_a_copy_counts(loaded: int | None, status: Status) -> None:
    finding = check(
        Limits(),
        pcie_link_width=8,
        pcie_link_width_max=16,
        pcie_link_width_under_load=loaded,
    )
    assert finding.status is status
    assert finding.basis == ("reported" if loaded is None else "measured")


def test_a_riser_is_called_so() -> None:
    lanes = {"pcie_link_width": 1, "pcie_link_width_max": 16, "pcie_device_width_max": 16}
    assert (
        check(Limits(), **lanes).message
        == "PCIe link of one lane, required 16: an x1 riser or slot"
    )


@pytest.mark.parametrize(
    "loaded, words",
    [
        (None, "PCIe link width 8 lanes, required 16: copies at 50% of their speed"),
        (8, "PCIe link width 8 lanes, required 16: copies at 50% of their speed"),
        (
            4,
            "PCIe link width 4 lanes while it copied, 8 before, required 16: "
            "copies at 25% of their speed",
        ),
        (16, "PCIe link width 16 lanes while it copied, 8 before, required 16"),
    ],
)
def test_a_width_that_changed_is_told(loaded: int | None, words: str) -> None:
    lanes = {"pcie_link_width": 8, "pcie_link_width_max": 16}
    finding = check(Limits(), **lanes, pcie_link_width_under_load=loaded)
    assert finding.message == words


def test_a_full_link_needs_no_word() -> None:
    assert check(Limits(), pcie_link_width=8, pcie_link_width_max=8).message == ""
