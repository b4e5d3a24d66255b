from __future__ import annotations

import pytest

from preflight.checks.nccl_allreduce import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.measured import AllReduce


def ran(busbw: float, wrong: int = 0) -> AllReduce:
    rates = {8: 0.001, 1 << 30: busbw}
    times = dict.fromkeys(rates, 20.0)
    return AllReduce("NCCL 2.28.9", ("gpu0", "gpu1"), times, rates, ("P2P/CUMEM",), wrong)


@pytest.mark.parametrize(
    "busbw, family, status",
    [
        (280.0, "hopper", PASS),
        (279.0, "hopper", WARN),
        (200.0, "hopper", WARN),
        (199.0, "hopper", FAIL),
        (199.0, "ada", WARN),
    ],
)
def test_the_largest_size_by_the_slowest_pair(busbw: float, family: str, status: Status) -> None:
    finding = check(
        Limits(),
        nccl_allreduce=ran(busbw),
        slowest_exchange_gb_s=400.0,
        gpu_families=(family,),
    )
    assert (finding.status, finding.measured) == (status, busbw)
    assert "P2P/CUMEM" in finding.message


def test_a_wrong_sum_fails_everywhere() -> None:
    finding = check(
        Limits(), nccl_allreduce=ran(400, 3), slowest_exchange_gb_s=400.0, gpu_families=("ada",)
    )
    assert (finding.status, finding.measured) == (FAIL, 3)
