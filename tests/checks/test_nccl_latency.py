from __future__ import annotations

import pytest

from preflight.checks.nccl_latency import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.measured import AllReduce
from tests.checks.measured import models


@pytest.mark.parametrize(
    "size, time_us, names, status",
    [
        (131072, 30.0, ["NVIDIA H200"] * 2, PASS),
        (131072, 30.1, ["NVIDIA H200"] * 2, WARN),
        (131072, 60.0, ["NVIDIA H200"] * 2, WARN),
        (131072, 60.1, ["NVIDIA H200", "NVIDIA H100 80GB HBM3"], FAIL),
        (131072, 60.1, ["NVIDIA H200"] * 8, WARN),  # of eight nothing is proven
        (131072, 60.1, ["NVIDIA H100 NVL"] * 2, WARN),
        (131072, 60.1, ["NVIDIA GeForce RTX 4090"] * 2, WARN),
        (65536, 5.0, ["NVIDIA H200"] * 2, Status.UNKNOWN),
    ],
)
def test_time_of_a_small_sum(size: int, time_us: float, names: list[str], status: Status) -> None:
    ran = AllReduce("NCCL 2.28.9", ("gpu0", "gpu1"), {size: time_us}, {size: 1.0}, (), 0)
    assert check(Limits(), nccl_allreduce=ran, gpu_models=models(*names)).status is status


def test_what_went_wrong_has_no_time() -> None:
    hung = "nccl-allreduce: timed out: no word for 30 s"
    finding = check(Limits(), nccl_allreduce=hung)
    assert (finding.status, finding.reason) == (Status.UNKNOWN, hung)
