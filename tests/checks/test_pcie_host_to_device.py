from __future__ import annotations

import pytest

from preflight.checks.pcie_host_to_device import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.link_rates import raw_gb_s
from tests.checks.measured import measured


@pytest.mark.parametrize(
    "gen, lanes, got, status",
    [
        (5, 16, 52.0, PASS),
        (5, 16, 51.9, WARN),
        (5, 16, 48.0, WARN),
        (5, 16, 47.9, FAIL),
        (5, 8, 24.0, PASS),
        (4, 16, 24.0, PASS),
        (4, 16, 23.9, WARN),
        (4, 16, 21.0, WARN),
        (4, 16, 20.9, FAIL),
        (4, 8, 11.5, PASS),
        (3, 16, 11.5, PASS),
        (3, 16, 11.4, WARN),
        (3, 16, 10.5, WARN),
        (3, 16, 10.4, FAIL),
        (4, 4, 5.8, PASS),
        (3, 8, 5.75, WARN),
        (3, 8, 5.31, WARN),
        (3, 8, 5.29, FAIL),
        (3, 4, 2.9, PASS),
        (3, 4, 2.89, WARN),
        (3, 4, 2.61, WARN),
        (3, 4, 2.59, FAIL),
        (3, 1, 0.8, FAIL),  # a mining riser, though it carries what it can
        (6, 16, 105.0, PASS),  # scaled from the nearest of the table
        (6, 16, 90.0, FAIL),
    ],
)
def test_limits_follow_the_link(gen: int, lanes: int, got: float, status: Status) -> None:
    raw = raw_gb_s(gen, lanes)
    assert raw is not None
    finding = check(Limits(), host_to_device=measured(got), pcie_raw_gb_s=raw)
    assert (finding.status, finding.measured, finding.unit) == (status, got, "GB/s")
    assert finding.basis == "measured"


def test_others_on_the_host_may_slow_some_copies_down() -> None:
    """A link that is bad slows every copy; only then it fails."""
    disturbed = check(Limits(), host_to_device=measured(40, better=53), pcie_raw_gb_s=63.0)
    assert disturbed.status is WARN
    assert "53.0" in disturbed.message


def test_a_policy_gives_both_limits_of_each_link() -> None:
    with pytest.raises(ValueError, match="each link needs"):
        Limits(raw_gb_s=(63.0,), warn_below_gb_s=(52.0, 24.0), fail_below_gb_s=(48.0,))


FULL = {
    "pcie_link_gen_under_load": 5,
    "pcie_link_gen_max": 5,
    "pcie_link_width_under_load": 16,
    "pcie_link_width_max": 16,
}


@pytest.mark.parametrize(
    "other, changed, is_in_guest, status, remedy_class",
    [
        (54.8, {}, True, WARN, "reconfigure"),  # two H100s in a guest, seen
        (54.8, {}, False, FAIL, "reconfigure"),  # nobody else is there: the host is too slow
        (52.0, {}, True, WARN, "reconfigure"),
        (51.9, {}, True, FAIL, None),  # both ways are slow: the link
        (None, {}, True, FAIL, None),
        (54.8, {"pcie_link_gen_under_load": 4}, True, FAIL, None),
        (54.8, {"pcie_link_width_under_load": 8}, True, FAIL, None),
        (54.8, {"pcie_link_width_max": None}, True, FAIL, None),
    ],
)
def test_lanes_that_carry_the_other_way_are_proven(
    other: float | None,
    changed: dict[str, int | None],
    is_in_guest: bool,
    status: Status,
    remedy_class: str | None,
) -> None:
    finding = check(
        Limits(),
        host_to_device=measured(43.5),
        pcie_raw_gb_s=63.0,
        device_to_host=None if other is None else measured(other),
        is_in_guest=is_in_guest,
        **(FULL | changed),
    )
    assert (finding.status, finding.remedy_class) == (status, remedy_class)
    assert ("memory limits it" in finding.message) is (remedy_class is not None)


@pytest.mark.parametrize("raw, status", [(0.99, FAIL), (0.995, PASS), (1.97, PASS)])
def test_a_riser_is_what_carries_no_more_than_one_lane_of_gen_3(raw: float, status: Status) -> None:
    """Two lanes of gen 3, or one of gen 4, are slow and are judged by what they reach."""
    assert check(Limits(), host_to_device=measured(raw), pcie_raw_gb_s=raw).status is status


def test_a_host_that_does_not_say_it_is_a_guest_is_none() -> None:
    found = check(
        Limits(),
        host_to_device=measured(43.5),
        pcie_raw_gb_s=63.0,
        device_to_host=measured(54.8),
        **FULL,  # type: ignore[arg-type]
    )
    assert found.status is FAIL
