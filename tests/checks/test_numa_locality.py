from __future__ import annotations

import pytest

from preflight.checks.numa_locality import Limits, check
from preflight.facts import Placement
from preflight.findings import PASS, WARN, Status

FOUR = {"gpu0": 0, "gpu1": 0, "gpu2": 1, "gpu3": 1}


@pytest.mark.parametrize(
    "nodes, count, status",
    [
        ({"gpu0": -1, "gpu1": -1}, 1, PASS),  # one node has nothing to tell
        ({"gpu0": 0, "gpu1": 0}, 2, PASS),
        (FOUR, 2, PASS),
        ({"gpu0": 0, "gpu1": -1}, 2, WARN),
    ],
)
def test_nodes(nodes: dict[str, int], count: int, status: Status) -> None:
    assert check(Limits(), gpu_numa_nodes=nodes, numa_node_count=count).status is status


@pytest.mark.parametrize(
    "groups, status",
    [
        ((("gpu0", "gpu1"), ("gpu2", "gpu3")), PASS),
        ((("gpu0", "gpu1", "gpu2", "gpu3"),), WARN),
        ((), PASS),
    ],
)
def test_groups(groups: tuple[tuple[str, ...], ...], status: Status) -> None:
    placed = Placement((), groups, may_fit=False, alternatives=(), has_peers=None)
    finding = check(Limits(), gpu_numa_nodes=FOUR, numa_node_count=2, placement=placed)
    assert finding.status is status
