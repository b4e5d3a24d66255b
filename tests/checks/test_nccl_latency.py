from __future__ import annotations

import pytest

from preflight.checks.nccl_latency import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.measured import AllReduce


@pytest.mark.parametrize(
    "size, time_us, family, status",
    [
        (131072, 30.0, "hopper", PASS),
        (131072, 30.1, "hopper", WARN),
        (131072, 60.0, "hopper", WARN),
        (131072, 60.1, "hopper", FAIL),
        (131072, 60.1, "ada", WARN),
        (65536, 5.0, "hopper", Status.UNKNOWN),
    ],
)
def test_time_of_a_small_sum(size: int, time_us: float, family: str, status: Status) -> None:
    ran = AllReduce("NCCL 2.28.9", ("gpu0", "gpu1"), {size: time_us}, {size: 1.0}, (), 0)
    assert check(Limits(), nccl_allreduce=ran, gpu_families=(family,)).status is status
