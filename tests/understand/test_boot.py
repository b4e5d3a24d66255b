"""The kernel's stamps, in seconds since the boot, as times of the day."""

from __future__ import annotations

import msgspec
import pytest

from preflight.capture import Imported
from preflight.facts import Missing
from preflight.understand import kernel
from preflight.understand.boot import booted, moment, uptime
from tests.understand.build import Builder, command, files

DMESG = (
    "[    0.000000] Linux version 6.8.0\n"
    "[  125.500000] NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n"
    "[ 3725.250000] NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n"
)
BTIME = {"/proc/stat": "btime 1700000000"}
UPTIME = {"/proc/uptime": "5000.25 90000.00"}


def builder(*read: dict[str, str]) -> Builder:
    return Builder(
        {
            "proc": files({path: text for one in read for path, text in one.items()}),
            "dmesg": command(DMESG),
        }
    )


@pytest.mark.parametrize(
    "read, first, last",
    [
        ((BTIME,), "2023-11-14T22:15:25Z", "2023-11-14T23:15:25Z"),
        ((UPTIME,), "2026-11-16T12:37:12Z", "2026-11-16T13:37:12Z"),
        ((BTIME, UPTIME), "2023-11-14T22:15:25Z", "2023-11-14T23:15:25Z"),
        ((), "125.500000", "3725.250000"),
        (({"/proc/stat": "btime 99999999999"},), "125.500000", "3725.250000"),
    ],
    ids=["boot", "uptime", "both", "none", "absurd"],
)
def test_an_xid_has_the_time_of_its_stamp(
    read: tuple[dict[str, str], ...], first: str, last: str
) -> None:
    capture = msgspec.structs.replace(builder(*read).capture(), started="2026-11-16T13:58:27.000Z")
    found = kernel.xids(kernel.logs(capture), "0000:01:00.0", is_only_card=True).value
    assert isinstance(found, tuple)
    [event] = found
    assert (event.first, event.last, event.count) == (first, last, 2)


def test_another_programs_file_was_not_taken_when_the_capture_was_made() -> None:
    capture = builder(UPTIME).capture()
    told = msgspec.structs.replace(capture, imported=Imported("nvidia-bug-report", "", "", "", ""))
    assert isinstance(booted(told), Missing)


@pytest.mark.parametrize(
    "stamp", ["2026-11-16T13:58:27+0100", "Fri Oct 14 14:56:49 2022", "", "12", "1e5.0"]
)
def test_other_stamps_stay_as_they_are(stamp: str) -> None:
    assert moment(stamp, 1.7e9) == stamp


def test_a_stamp_of_no_known_boot_stays() -> None:
    assert moment("12.500000", Missing("not-present")) == "12.500000"


@pytest.mark.parametrize("text, seconds", [("12.25 3.1", 12.25), ("7", 7.0)])
def test_uptime(text: str, seconds: float) -> None:
    capture = builder({"/proc/uptime": text}).capture()
    assert uptime(capture) == seconds
