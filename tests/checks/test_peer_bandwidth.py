from __future__ import annotations

from typing import Any

import pytest

from preflight.checks.peer_bandwidth import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.measured import measured


@pytest.mark.parametrize(
    "got, facts, status",
    [
        (335, {"peer_nvlink_gb_s": 450.0, "peer_family": "hopper"}, PASS),
        (334, {"peer_nvlink_gb_s": 450.0, "peer_family": "hopper"}, FAIL),
        (238, {"peer_nvlink_gb_s": 300.0, "peer_family": "ampere"}, PASS),
        (237, {"peer_nvlink_gb_s": 300.0, "peer_family": "ampere"}, WARN),  # not proven there
        (237, {"peer_nvlink_gb_s": 450.0}, WARN),
        (26.3, {"peer_pcie_gb_s": 31.5}, PASS),
        (20.1, {"peer_pcie_gb_s": 31.5, "peer_family": "ada"}, PASS),
        (19.9, {"peer_pcie_gb_s": 31.5, "peer_family": "ada"}, WARN),
        (15.0, {"peer_pcie_gb_s": 31.5, "peer_family": "ada"}, WARN),
        (14.9, {"peer_pcie_gb_s": 31.5, "peer_family": "ada"}, WARN),  # not proven there
        (14.9, {"peer_pcie_gb_s": 31.5, "peer_family": "hopper"}, FAIL),
        (15.0, {"peer_pcie_gb_s": 31.5, "peer_family": "hopper"}, WARN),
        (19.9, {"peer_pcie_gb_s": 31.5, "peer_family": "hopper"}, WARN),
        (20.1, {"peer_pcie_gb_s": 31.5, "peer_family": "hopper"}, PASS),
        # Exactly at each limit: 0.744, 0.635 and 0.476 of 1000.
        (744.0, {"peer_nvlink_gb_s": 1000.0, "peer_family": "hopper"}, PASS),
        (635.0, {"peer_pcie_gb_s": 1000.0, "peer_family": "hopper"}, PASS),
        (476.0, {"peer_pcie_gb_s": 1000.0, "peer_family": "hopper"}, WARN),
        (475.9, {"peer_pcie_gb_s": 1000.0, "peer_family": "hopper"}, FAIL),
        (14.9, {"peer_pcie_gb_s": 31.5}, WARN),
        (10.1, {"peer_pcie_gb_s": 15.75}, PASS),
        (300, {}, Status.UNKNOWN),
        # NVLink counts where both lie between them
        (300, {"peer_nvlink_gb_s": 450.0, "peer_pcie_gb_s": 63.0, "peer_family": "hopper"}, FAIL),
    ],
)
def test_limits_follow_the_way(got: float, facts: dict[str, Any], status: Status) -> None:
    assert check(Limits(), peer_copy=measured(got), **facts).status is status


def test_the_figures_are_those_of_the_way() -> None:
    found = check(Limits(), peer_copy=measured(26.34), peer_pcie_gb_s=31.5)
    assert (found.measured, found.expected, found.unit) == (26.3, 20.0, "GB/s")
    assert check(Limits(), peer_copy=measured(26.34)).measured == 26.3
