from __future__ import annotations

import pytest

from preflight.checks.nccl_allreduce import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.measured import AllReduce


def ran(busbw: float, wrong: int = 0, largest: int = 1 << 30) -> AllReduce:
    rates = {8: 0.001, largest: busbw}
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


def test_what_hung_or_failed_fails_also_where_no_pair_was_measured() -> None:
    hung = "nccl-allreduce: timed out: no word for 30 s"
    finding = check(Limits(), nccl_allreduce=hung)
    assert (finding.status, finding.message) == (FAIL, hung)
    assert check(Limits(), nccl_allreduce=ran(400, 3)).status is FAIL
    assert check(Limits(), nccl_allreduce=ran(400)).status is Status.UNKNOWN


def test_a_sum_that_is_wrong_without_peer_access_only() -> None:
    finding = check(
        Limits(),
        nccl_allreduce=ran(400),
        nccl_allreduce_without_peers=ran(20, 3),
        slowest_exchange_gb_s=400.0,
    )
    assert finding.status is FAIL
    assert "without peer access" in finding.message


@pytest.mark.parametrize(
    "largest, busbw, status",
    [
        ((256 << 20) - 1, 199.0, Status.UNKNOWN),
        ((256 << 20) - 1, 279.0, Status.UNKNOWN),
        ((256 << 20) - 1, 280.0, PASS),
        (256 << 20, 199.0, FAIL),
    ],
)
def test_a_small_sum_is_no_slow_way(largest: int, busbw: float, status: Status) -> None:
    small = ran(busbw, largest=largest)
    finding = check(
        Limits(), nccl_allreduce=small, slowest_exchange_gb_s=400.0, gpu_families=("hopper",)
    )
    assert finding.status is status
