"""Evidence, written out as a machine and read by the real probe, comes back as it was."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from preflight import demo
from preflight.capture import Capture, NvmlCall, NvmlDevice, Source
from preflight.demo import machine
from preflight.findings import Level
from tests.demo.built import probe

PAIR = machine.load(demo.DEFAULT).capture
MISSING = ("tool-absent", "not-present", "tool-failed")


def found_on(capture: Capture) -> Capture:
    return demo.observe("test", capture, Level.LOOK, lambda *_: None, probe())


def with_source(name: str, **fields: Any) -> Capture:
    source = msgspec.structs.replace(PAIR.sources[name], **fields)
    return msgspec.structs.replace(PAIR, sources={**PAIR.sources, name: source})


def evidence(source: Source | None) -> Any:
    """What a source holds, without durations and without words on what is absent."""
    if source is None or source.status in ("tool-absent", "not-present"):
        return "nothing"
    told = msgspec.to_builtins(source)
    return {key: part for key, part in told.items() if key not in ("duration_s", "detail")}


@pytest.mark.parametrize("name", machine.names())
def test_a_machine_comes_back_as_it_was(name: str) -> None:
    recorded = machine.load(name).capture
    found = found_on(recorded)
    assert set(recorded.sources) <= set(found.sources)
    for source in found.sources:
        assert evidence(found.sources[source]) == evidence(recorded.sources.get(source)), source
    assert (found.probe.user, found.probe.uid) == (recorded.probe.user, recorded.probe.uid)
    assert found.complete


@pytest.mark.parametrize("gone", sorted(PAIR.sources))
def test_a_source_taken_away_is_missing_and_no_other(gone: str) -> None:
    left = {name: source for name, source in PAIR.sources.items() if name != gone}
    found = found_on(msgspec.structs.replace(PAIR, sources=left))
    missing = found.sources[gone]
    assert missing.status in MISSING
    assert [missing.stdout, missing.files, missing.links, missing.system] == ["", {}, {}, {}]
    for name, source in left.items():
        assert evidence(found.sources[name]) == evidence(source), name


def test_a_refusing_nvml_refuses_by_the_same_name() -> None:
    refused = Source(status="tool-failed", detail="DRIVER_NOT_LOADED")
    sources = {**PAIR.sources, "nvml": refused}
    found = found_on(msgspec.structs.replace(PAIR, sources=sources)).sources["nvml"]
    assert (found.status, found.detail, found.devices) == ("tool-failed", "DRIVER_NOT_LOADED", [])


def test_nvml_keeps_every_kind_of_value() -> None:
    calls = {
        "nvmlDeviceGetSerial": NvmlCall(value="1324521000123"),
        "nvmlDeviceGetRepairStatus": NvmlCall(value=[1, 0]),
        "nvmlDeviceGetMarginTemperature": NvmlCall(value=-3),
        "nvmlDeviceGetPowerUsage": NvmlCall(error="UNKNOWN"),
        "nvmlDeviceGetUUID": NvmlCall(error="CODE_4711"),
        "nvmlDeviceGetFieldValues(MEMORY_TEMP)": NvmlCall(value=88),
        "nvmlDeviceGetFieldValues(POWER_AVERAGE)": NvmlCall(value=1.5),
        "nvmlDeviceGetFieldValues(GET_GPU_RECOVERY_ACTION)": NvmlCall(error="GPU_IS_LOST"),
        "nvmlDeviceGetRetiredPages_v2(DOUBLE_BIT_ECC_ERROR)": NvmlCall(
            value=[{"address": 1 << 40, "timestamp": 1700000000}]
        ),
        "nvmlDeviceGetComputeRunningProcesses_v3": NvmlCall(
            value=[
                {"pid": 7, "usedGpuMemory": 1 << 34, "gpuInstanceId": 1, "computeInstanceId": 2},
                {"pid": 8, "usedGpuMemory": None, "gpuInstanceId": 1, "computeInstanceId": 2},
            ]
        ),
    }
    first, second = PAIR.sources["nvml"].devices
    changed = NvmlDevice(index=0, calls={**first.calls, **calls})
    found = found_on(with_source("nvml", devices=[changed, second])).sources["nvml"]
    assert {name: found.devices[0].calls[name] for name in calls} == calls
    assert found.devices[1] == second
    assert sorted(found.processes) == ["7", "8"]


def test_what_could_not_be_read_cannot_be_read_again() -> None:
    errors = {
        "/sys/class/dmi/id/product_serial": "not-permitted",
        "/sys/class/dmi/id/sys_vendor": "tool-failed: EIO",
    }
    found = found_on(with_source("dmi", files={}, errors=errors)).sources["dmi"]
    assert found.errors == errors
    assert found.files == {}


def test_output_that_was_cut_is_cut_again() -> None:
    text = "x" * (256 << 10)
    found = found_on(with_source("df", stdout=text, truncated=True, exit_code=None)).sources["df"]
    assert (found.stdout, found.truncated, found.status) == (text, True, "ok")


def test_what_hung_hangs_again() -> None:
    """Both wait for their own limit, 10 s, side by side."""
    first, second = PAIR.sources["nvml"].devices
    known = {"nvmlDeviceGetName": second.calls["nvmlDeviceGetName"]}
    hung = Source(
        status="timed-out",
        system=PAIR.sources["nvml"].system,
        devices=[first, NvmlDevice(index=1, calls=known)],
    )
    sources = {**PAIR.sources, "nvml": hung}
    sources["lspci"] = msgspec.structs.replace(sources["lspci"], status="timed-out")
    found = found_on(msgspec.structs.replace(PAIR, sources=sources)).sources
    assert found["lspci"].status == "timed-out"
    assert found["lspci"].stdout == PAIR.sources["lspci"].stdout
    assert found["nvml"].status == "timed-out"
    assert "gpu 1: nvmlDeviceGetUUID" in found["nvml"].detail
    assert found["nvml"].devices == hung.devices
    # a card that hung is left alone from then on, and so are its pairs
    alone = {name: call for name, call in hung.system.items() if "(" not in name}
    assert found["nvml"].system == alone
