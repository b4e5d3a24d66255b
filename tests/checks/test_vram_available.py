from __future__ import annotations

import pytest

from preflight.checks.vram_available import Limits, check
from preflight.facts import GpuProcess, GpuUse
from preflight.findings import PASS, WARN, Status
from tests.checks.measured import cuda_device


@pytest.mark.parametrize(
    "free, total, status",
    [
        (80550, 81079, PASS),
        (78400, 80000, PASS),
        (78399, 80000, WARN),
        (98000, 100000, PASS),  # exactly at the limit
        (97999, 100000, WARN),
        (7592, 8192, PASS),  # a context of its own takes a larger part of a small card
        (7591, 8192, WARN),
        (None, 8192, Status.UNKNOWN),
    ],
)
def test_free_at_the_start(free: int | None, total: int, status: Status) -> None:
    device = cuda_device(free_mib=free, total_mib=total)
    assert check(Limits(), cuda_device=device).status is status


def test_who_holds_it_is_named() -> None:
    held = GpuUse((GpuProcess(71, "python3", 9000, "compute"),), 9000, 0)
    device = cuda_device(free_mib=70000, total_mib=80000)
    assert "python3 (pid 71)" in check(Limits(), cuda_device=device, use=held).message
    assert "no process" in check(Limits(), cuda_device=device).message


@pytest.mark.parametrize("count, more", [(1, ""), (3, ""), (4, " and 1 more"), (5, " and 2 more")])
def test_three_holders_are_named_and_the_rest_counted(count: int, more: str) -> None:
    held = tuple(GpuProcess(n, "vllm", 9000, "compute") for n in range(count))
    device = cuda_device(free_mib=70000, total_mib=80000)
    found = check(Limits(), cuda_device=device, use=GpuUse(held, 9000, 0))
    assert found.message.endswith(f"vllm (pid {min(count, 3) - 1}){more}")
    assert (found.measured, found.expected, found.unit) == (70000, 78400, "MiB")
