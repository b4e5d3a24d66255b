"""Who uses a card."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.capture import ProcessRecord
from preflight.facts import Gpu, GpuProcess, GpuUse, Missing
from preflight.understand import understand
from tests.understand.build import ADDRESSES, Builder, device, nvml

COMPUTE, GRAPHICS = "ComputeRunningProcesses_v3", "GraphicsRunningProcesses_v3"
FREE = {COMPUTE: [], GRAPHICS: [], "UtilizationRates": {"gpu": 0, "memory": 0}}
MEMORY = {"total": 24564 << 20, "reserved": 346 << 20, "used": 12 << 20}


def card(**calls: Any) -> Gpu:
    told = FREE | {"MemoryInfo_v2": MEMORY} | calls
    names = {"77": ProcessRecord(comm="python3"), "88": ProcessRecord()}
    source = nvml(device(0, ADDRESSES[0], **told), processes=names)
    return understand(Builder({"nvml": source}).capture()).gpus[0]  # type: ignore[index]


def process(pid: int, mib: int | None = 752) -> dict[str, Any]:
    return {"pid": pid, "usedGpuMemory": None if mib is None else mib << 20}


def test_a_free_card() -> None:
    gpu = card()
    assert gpu.use == GpuUse((), 12, 0)
    assert gpu.is_idle is True


def test_processes_by_name_where_it_is_known() -> None:
    gpu = card(**{COMPUTE: [process(88, None), process(77)], GRAPHICS: [process(99, 4)]})
    assert gpu.use.processes == (  # type: ignore[union-attr]
        GpuProcess(77, "python3", 752, "compute"),
        GpuProcess(88, "", None, "compute"),
        GpuProcess(99, "", 4, "graphics"),
    )
    assert gpu.is_idle is False


def test_one_that_computes_and_draws() -> None:
    gpu = card(**{COMPUTE: [process(77)], GRAPHICS: [process(77)]})
    assert gpu.use.processes == (GpuProcess(77, "python3", 752, "both"),)  # type: ignore[union-attr]


def test_memory_that_nvml_does_not_tell_is_not_an_exbibyte() -> None:
    gpu = card(**{COMPUTE: [{"pid": 77, "usedGpuMemory": 2**64 - 1}]})
    assert gpu.use.processes[0].memory_mib is None  # type: ignore[union-attr]


def test_the_first_version_of_the_call_counts_the_reserve_and_is_not_used() -> None:
    gpu = card(MemoryInfo_v2="!FUNCTION_NOT_FOUND", MemoryInfo={"total": 1 << 30, "used": 1 << 29})
    assert gpu.use == Missing("not-supported", "FUNCTION_NOT_FOUND")


@pytest.mark.parametrize(
    "calls, idle",
    [
        ({"UtilizationRates": {"gpu": 3}}, False),
        ({"UtilizationRates": "!NOT_SUPPORTED"}, Missing("not-supported", "NOT_SUPPORTED")),
        ({"UtilizationRates": "!NOT_SUPPORTED", COMPUTE: [process(77)]}, False),
        ({COMPUTE: "!NO_PERMISSION"}, Missing("not-permitted", "NO_PERMISSION")),
        ({COMPUTE: "!NO_PERMISSION", "UtilizationRates": {"gpu": 97}}, False),
    ],
)
def test_is_idle(calls: dict[str, Any], idle: object) -> None:
    assert card(**calls).is_idle == idle


def test_a_load_that_is_not_told_is_none() -> None:
    assert card(UtilizationRates="!NOT_SUPPORTED").use == GpuUse((), 12, None)
