from __future__ import annotations

import pytest

from preflight.checks.shm_size import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.layout import parse

TWO = {"nvml": 2}


@pytest.mark.parametrize(
    "mib, layout, status",
    [
        (2048, None, PASS),
        (2047, None, WARN),
        (64, None, WARN),
        (64, "tp2", FAIL),
        (65, "tp2", WARN),
        (64, "pp2", FAIL),
        (64, "replicas", WARN),
        (64, "split", WARN),  # a server of its own to each card
        (64, "tp1", WARN),  # one worker shares nothing
        (2048, "tp2", PASS),
    ],
)
def test_size(mib: int, layout: str | None, status: Status) -> None:
    asked = parse(layout) if layout else None
    finding = check(Limits(), shared_memory_mib=mib, gpu_counts=TWO, layout=asked)
    assert finding.status is status


@pytest.mark.parametrize(
    "mib, layout, status", [(64, "tp2", PASS), (64, None, PASS), (0, None, PASS)]
)
def test_what_is_enough_is_enough_for_any_layout(
    mib: int, layout: str | None, status: Status
) -> None:
    limits = Limits(warn_below_gib_per_gpu=0.0)
    asked = parse(layout) if layout else None
    finding = check(limits, shared_memory_mib=mib, gpu_counts=TWO, layout=asked)
    assert finding.status is status


def test_no_card_wants_nothing() -> None:
    assert check(Limits(), shared_memory_mib=0, gpu_counts={}).status is PASS
    assert check(Limits(), shared_memory_mib=0, gpu_counts={}).expected == 0
