from __future__ import annotations

import pytest

from preflight.checks.ram_vs_vram import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status

TWO_TIB = 2 << 20


@pytest.mark.parametrize(
    "ram, vram, status",
    [
        (48000, 48000, PASS),
        (47999, 48000, WARN),
        (24000, 48000, WARN),
        (23999, 48000, FAIL),
        (TWO_TIB, 8 * TWO_TIB, PASS),
        (TWO_TIB - 1, 8 * TWO_TIB, FAIL),
        (1000, 0, PASS),
    ],
)
def test_ratio(ram: int, vram: int, status: Status) -> None:
    assert check(Limits(), memory_total_mib=ram, gpu_memory_total_mib=vram).status is status
