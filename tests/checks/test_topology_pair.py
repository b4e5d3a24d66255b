from __future__ import annotations

import pytest

from preflight.checks.topology_pair import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "topology, status",
    [
        ("NV18", PASS),
        ("NV1", PASS),
        ("PIX", PASS),
        ("PXB", PASS),
        ("PHB", PASS),
        ("NODE", WARN),
        ("SYS", WARN),
        ("X", Status.UNKNOWN),
    ],
)
def test_ways(topology: str, status: Status) -> None:
    assert check(Limits(), topology=topology).status is status


@pytest.mark.parametrize(
    "topology, status",
    [("NV18", PASS), ("PHB", PASS), ("NODE", WARN), ("SYS", FAIL)],
)
def test_ways_within_one_tensor_parallel_group(topology: str, status: Status) -> None:
    finding = check(Limits(), topology=topology, in_one_group=True)
    assert finding.status is status
    assert (status is FAIL) == ("no measured copy" in finding.message)


def test_the_message_says_what_the_letters_mean() -> None:
    assert "SYS (the link between processors)" in check(Limits(), topology="SYS").message
    assert "NV4 (4 NVLinks)" in check(Limits(), topology="NV4").message


@pytest.mark.parametrize("part, status", [(0.5, WARN), (0.49, FAIL), (None, FAIL)])
def test_a_measured_copy_clears_the_long_way(part: float | None, status: Status) -> None:
    finding = check(
        Limits(), topology="SYS", in_one_group=True, exchange_part=part, exchange_gb_s=12.5
    )
    assert finding.status is status
    assert "12.5 GB/s" in finding.message


def test_a_way_that_no_tool_told_says_so() -> None:
    assert "inferred" in check(Limits(), topology="NODE", topology_is_inferred=True).message
    assert "inferred" not in check(Limits(), topology="NODE").message
