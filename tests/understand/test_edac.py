"""Counters of host memory's errors are heard where the log says nothing."""

from __future__ import annotations

import pytest

from preflight.capture import Source
from preflight.facts import KernelFault, Missing
from preflight.understand import understand
from tests.understand.build import QUIET, bare, command, files, with_status

MC = "/sys/devices/system/edac/mc/mc0/"
LINE = "[ 9.0] EDAC MC0: 1 UE on DIMM_A1 (channel:0 slot:0 page:0x0 offset:0x0 grain:32)\n"


def counters(corrected: str, uncorrected: str) -> Source:
    return files({f"{MC}mc_name": "F19h", f"{MC}ce_count": corrected, f"{MC}ue_count": uncorrected})


def faults(cpu: Source, dmesg: Source | None = None) -> object:
    return understand(bare().capture(dmesg=dmesg or command(QUIET), cpu=cpu)).host.kernel_faults


def kinds(found: object) -> list[tuple[str, int]]:
    assert isinstance(found, tuple)
    return [(fault.kind, fault.count) for fault in found]


def test_counters_are_told_beside_a_quiet_log() -> None:
    assert kinds(faults(counters("317", "0"))) == [("edac-corrected", 317)]
    assert faults(counters("0", "1")) == (
        KernelFault(
            "edac-uncorrected",
            "host",
            "uncorrected errors of memory controller mc0 (F19h), by its counter",
            1,
            0,
            "not told",
            "not told",
        ),
    )


@pytest.mark.parametrize("text", ["0", "", "-1", "ERR!"])
def test_no_error_and_no_count_tell_nothing(text: str) -> None:
    assert faults(counters(text, text)) == ()


def test_what_the_log_names_is_not_told_twice() -> None:
    found = kinds(faults(counters("0", "1"), command(QUIET + LINE)))
    assert found == [("edac-uncorrected", 1)]


def test_without_a_log_only_what_fails_is_told() -> None:
    unread = with_status(command(), "not-permitted")
    assert isinstance(faults(counters("317", "0"), unread), Missing)
    assert kinds(faults(counters("317", "1"), unread)) == [("edac-uncorrected", 1)]
