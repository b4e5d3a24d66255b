from __future__ import annotations

import pytest

from preflight.checks.pcie_concurrent import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.measured import CopiesTogether
from tests.checks.measured import models


@pytest.mark.parametrize(
    "together, names, status",
    [
        (90.0, ["NVIDIA H200"] * 2, PASS),
        (89.9, ["NVIDIA H200"] * 2, WARN),
        (60.0, ["NVIDIA H200"] * 2, WARN),
        (59.9, ["NVIDIA H200"] * 2, FAIL),
        (59.9, ["NVIDIA H200"] * 8, WARN),  # not proven there
        (59.9, ["NVIDIA H100 PCIe"] * 2, WARN),
        (59.9, ["NVIDIA GeForce RTX 4090", "NVIDIA H200"], WARN),
        (59.9, [], WARN),
    ],
)
def test_what_is_left_of_single_runs(together: float, names: list[str], status: Status) -> None:
    ways = {
        "host to device": CopiesTogether(100, 99, "gpu0", 0.99),
        "device to host": CopiesTogether(100, together, "gpu1", 0.5),
    }
    finding = check(Limits(), copies_together=ways, gpu_models=models(*names))
    assert finding.status is status
    if status is not PASS:
        assert "gpu1 keeps 50%" in finding.message


def test_copies_that_failed_are_the_hosts_and_have_a_remedy_of_their_own() -> None:
    failed = "host-to-device-together: failed: CUDA_ERROR_ECC_UNCORRECTABLE (214)"
    finding = check(Limits(), copies_together=failed)
    assert finding.status is FAIL
    assert failed in finding.message
    assert finding.remedy is not None
    assert "slot" not in finding.remedy
