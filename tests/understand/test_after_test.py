"""What the measuring itself broke is found when the card is read again, and what heat ended."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from preflight.capture import Measurement, NvmlDevice, Source
from preflight.checks import (
    driver_responds,
    ecc_uncorrectable,
    gpu_query_errors,
    gpu_reachable,
    power_brake,
    row_remap,
    throttle_thermal,
)
from preflight.facts import DriverResponse, Facts, Missing, NotApplicable
from preflight.findings import FAIL, PASS, WARN, Finding, Status
from preflight.understand import understand
from tests.understand.build import ADDRESSES, Builder, device, files, nvml, pci_device, with_status

ONE, TWO = ADDRESSES
ERRORS = "TotalEccErrors(UNCORRECTED,VOLATILE)"
OVER_ITS_LIFE = {
    f"MemoryErrorCounter(UNCORRECTED,AGGREGATE,{where})": 0 for where in ("DRAM", "SRAM")
}
SOUND = {
    ERRORS: 0,
    **OVER_ITS_LIFE,
    "RemappedRows": [0, 0, 0, 0],
    "CurrentClocksEventReasons": 0,
}
SEEN = {"lost_signs": (), "query_errors": (), "throttle_reasons": ()}


def read(**second: Any) -> Source:
    """Both cards; the second one's calls may differ."""
    return nvml(device(0, ONE, **SOUND), device(1, TWO, **(SOUND | second)))


def facts(after: Source, *entries: dict[str, Any], **sources: Source) -> Facts:
    seen = Builder({"nvml": read()}).capture(nvml_after=after, **sources)
    measured = [msgspec.convert({"status": "ok", **entry}, Measurement) for entry in entries]
    return understand(msgspec.structs.replace(seen, measurements=measured))


def judged(check: Any, seen: Facts, card: int = 1) -> Finding:
    """As the engine does: what is missing keeps its default."""
    assert isinstance(seen.gpus, tuple)
    subject = seen.gpus[card] if "Gpu" in str(check.SUBJECT) else seen.host
    names = [name for name in check.check.__annotations__ if name not in ("limits", "return")]
    values = {name: getattr(subject, name) for name in names}
    given = {n: v for n, v in values.items() if not isinstance(v, (Missing, NotApplicable))}
    found: Finding = check.check(
        check.Limits(), **({n: SEEN[n] for n in names if n in SEEN} | given)
    )
    return found


def test_a_card_that_the_test_left_as_it_was() -> None:
    seen = facts(read())
    for check in (gpu_reachable, gpu_query_errors, ecc_uncorrectable, row_remap):
        assert judged(check, seen).status is PASS
    assert isinstance(seen.host.driver_after_test, DriverResponse)


@pytest.mark.parametrize(
    "check, calls",
    [
        (ecc_uncorrectable, {ERRORS: 1}),
        (row_remap, {"RemappedRows": [0, 0, 1, 0]}),
        (row_remap, {"RemappedRows": [0, 0, 0, 1]}),
        (row_remap, {"RemappedRows": [0, 1, 0, 0]}),
        (gpu_reachable, {"RemappedRows": "!GPU_IS_LOST"}),
        (gpu_query_errors, {"RemappedRows": "!UNKNOWN"}),
    ],
)
def test_what_the_test_broke_on_one_card(check: Any, calls: dict[str, Any]) -> None:
    seen = facts(read(**calls))
    finding = judged(check, seen)
    assert finding.status is FAIL
    assert "test" in finding.message
    assert judged(check, seen, card=0).status is PASS


def test_a_card_that_no_longer_tells_where_it_is() -> None:
    dumb = NvmlDevice(1, calls={name: nvml_error() for name in read().devices[1].calls})
    seen = facts(nvml(device(0, ONE, **SOUND), dumb))
    assert "GPU_IS_LOST" in judged(gpu_reachable, seen).message
    assert judged(gpu_reachable, seen, card=0).status is PASS


def nvml_error() -> Any:
    return device(0, ONE, Name="!GPU_IS_LOST").calls["nvmlDeviceGetName"]


def test_a_card_that_is_gone() -> None:
    assert "no longer lists" in judged(gpu_reachable, facts(nvml(device(0, ONE, **SOUND)))).message
    folder = "/sys/devices/pci0000:40/{}"
    both = files(pci_device(folder.format(ONE)) | pci_device(folder.format(TWO)))
    one = files(pci_device(folder.format(ONE)))
    off = facts(read(), sysfs_pci=both, sysfs_pci_after=one)
    assert "gone from the bus" in judged(gpu_reachable, off).message
    unread = facts(read(), sysfs_pci=both, sysfs_pci_after=with_status(one, "timed-out"))
    assert judged(gpu_reachable, unread).status is PASS


@pytest.mark.parametrize(
    "status, bad", [("timed-out", True), ("tool-failed", True), ("skipped", False)]
)
def test_a_driver_that_the_test_hung(status: str, bad: bool) -> None:
    seen = facts(with_status(read(), status, "gpu 1: nvmlDeviceGetName hung"))
    finding = judged(driver_responds, seen)
    assert (finding.status is FAIL) is bad
    assert ("after the test" in finding.message) is bad
    assert judged(gpu_reachable, seen).status is PASS


def watched(*masks: int, degrees: int = 60) -> dict[str, Any]:
    values = {"limit_c": 87, "temperature_c": [50, degrees], "throttle": list(masks)}
    return {"name": "under-load", "pci": TWO, "values": values}


STOPPED = {
    "pci": TWO,
    "status": "skipped",
    "detail": "stopped: 88 °C, at most 87 °C while measuring",
}


@pytest.mark.parametrize(
    "check, entry, status",
    [
        (throttle_thermal, watched(0, degrees=86), PASS),
        (throttle_thermal, watched(0, degrees=87), FAIL),
        (throttle_thermal, watched(0, 0x40), FAIL),
        (throttle_thermal, watched(0, 0x20), WARN),
        (throttle_thermal, watched(*[0] * 19, 0x20), PASS),  # one sample of twenty
        (throttle_thermal, watched(0, 0x80), PASS),
        (power_brake, watched(0, 0x80), FAIL),
        (power_brake, watched(0, 0x40), PASS),
        (throttle_thermal, {"name": "tensor-bf16", **STOPPED}, FAIL),
        # All cards were stopped for the sake of one: which, its own samples tell.
        (throttle_thermal, {"name": "host-to-device-together", **STOPPED}, PASS),
    ],
)
def test_heat_and_the_brake_under_load(check: Any, entry: dict[str, Any], status: Status) -> None:
    seen = facts(read(), entry)
    assert judged(check, seen).status is status
    assert judged(check, seen, card=0).status is PASS


@pytest.mark.parametrize("status, is_lost", [("not-present", True), ("timed-out", False)])
def test_a_bus_that_shows_no_card_any_more(status: str, is_lost: bool) -> None:
    bus = files(pci_device(f"/sys/devices/pci0000:40/{TWO}"))
    gone = with_status(files({}), status)
    seen = facts(read(), sysfs_pci=bus, sysfs_pci_after=gone)
    assert isinstance(seen.gpus, tuple)
    assert bool(seen.gpus[1].lost_after_test) is is_lost
    silent = facts(read(), sysfs_pci=bus, sysfs_pci_after=files({}))
    assert isinstance(silent.gpus, tuple)
    assert silent.gpus[1].lost_after_test == ()
