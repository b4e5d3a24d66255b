"""The kernel's logs: every event once, and silence that proves nothing."""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import Any

import msgspec
import pytest

from preflight.capture import Source
from preflight.facts import Gpu, Host, KernelFault, Missing, XidEvent
from preflight.understand import understand
from tests.understand.build import ADDRESSES, QUIET, bare, command, files, with_status

ONE, TWO = ADDRESSES
XID = "[ {at:.6f}] NVRM: Xid (PCI:{pci}): {code}, pid=77, name=python, Ch 00000008\n"
DENIED = command(stderr="dmesg: read kernel buffer failed: Operation not permitted\n", exit_code=1)
ABSENT = with_status(command(), "tool-absent")
HINT = (
    "Hint: You are currently not seeing messages from other users and the system.\n"
    "      Users in groups 'adm', 'systemd-journal' can see all messages.\n"
    "      Pass -q to turn off this notice.\n"
    "No journal files were opened due to insufficient permissions.\n"
)


def xid(code: int, at: float = 5.0, pci: str = ONE[:-2]) -> str:
    return XID.format(code=code, at=at, pci=pci)


def log(*lines: str) -> Source:
    return command(QUIET + "".join(lines))


def facts(**sources: Source | None) -> tuple[Host, tuple[Gpu, ...]]:
    found = understand(bare().capture(**sources))
    return found.host, found.gpus  # type: ignore[return-value]


def codes(gpu: Gpu) -> Any:
    if isinstance(gpu.xids, Missing):
        return gpu.xids
    return [(x.code, x.count, x.boot) for x in gpu.xids]  # type: ignore[union-attr]


def test_an_event_in_both_logs_is_one() -> None:
    lines = log(xid(79, 5.0), xid(45, 6.0), xid(45, 7.0))
    _, (one, two) = facts(dmesg=lines, journal_kernel=lines)
    assert codes(one) == [(79, 1, 0), (45, 2, 0)]
    assert codes(two) == []
    assert one.sources["xids"] == "dmesg, journal-kernel"


def test_repeats_are_told_once_with_first_and_last() -> None:
    _, (one, _) = facts(dmesg=log(xid(13, 5.0), xid(13, 6.5), xid(13, 9.25)))
    assert one.xids == (
        XidEvent(13, "pid=77, name=python, Ch 00000008", 3, 0, "5.000000", "9.250000"),
    )


def test_a_ring_that_wrapped_leaves_what_only_the_journal_has() -> None:
    _, (one, _) = facts(dmesg=command(xid(45)), journal_kernel=log(xid(79), xid(45), xid(45)))
    assert sorted(codes(one)) == [(45, 2, 0), (79, 1, 0)]


def test_a_journal_that_rotated_leaves_what_only_the_ring_has() -> None:
    _, (one, _) = facts(dmesg=log(xid(13), xid(13), xid(13)), journal_kernel=command(xid(13, 9.0)))
    assert codes(one) == [(13, 3, 0)]


def test_the_boot_before_stays_apart() -> None:
    _, (one, _) = facts(dmesg=log(xid(79)), journal_kernel_previous=log(xid(79), xid(79)))
    assert codes(one) == [(79, 1, 0), (79, 2, -1)]


def test_each_card_has_its_own() -> None:
    _, (one, two) = facts(dmesg=log(xid(79, pci=TWO[:-2])))
    assert (codes(one), codes(two)) == ([], [(79, 1, 0)])


@pytest.mark.parametrize(
    "dmesg, journal, why",
    [
        (DENIED, None, "not-permitted"),
        (DENIED, command("-- No entries --\n", HINT), "not-permitted"),
        (None, command("-- No entries --\n", HINT), "not-permitted"),
        (None, command("", HINT, exit_code=1), "not-permitted"),
        (None, command("-- No entries --\n"), "not-present"),
        (None, command("No journal files were found.\n-- No entries --\n"), "not-present"),
        (command(""), None, "not-present"),
        (ABSENT, DENIED, "not-permitted"),
        (ABSENT, ABSENT, "tool-absent"),
        (with_status(command(), "timed-out"), None, "timed-out"),
        (command("Starting gVisor...\n[ 0.1] Searching for needles\n"), None, "guest-view"),
        (command("usage: dmesg [options]\n"), None, "not-parsed"),
        (None, None, "not-collected"),
    ],
)  # fmt: skip
def test_a_log_that_could_not_be_read_is_no_clean_log(
    dmesg: Source | None, journal: Source | None, why: str
) -> None:
    host, (one, _) = facts(dmesg=dmesg, journal_kernel=journal)
    assert isinstance(one.xids, Missing)
    assert isinstance(host.kernel_faults, Missing)
    assert (one.xids.reason, host.kernel_faults.reason) == (why, why)


def test_either_log_is_enough() -> None:
    _, (one, _) = facts(dmesg=DENIED, journal_kernel=log())
    assert (one.xids, one.sources["xids"]) == ((), "journal-kernel")
    _, (one, _) = facts(dmesg=log(), journal_kernel=command("", HINT, exit_code=1))
    assert (one.xids, one.sources["xids"]) == ((), "dmesg")


def test_a_log_of_the_boot_before_says_nothing_of_this_one() -> None:
    host, (one, _) = facts(dmesg=DENIED, journal_kernel_previous=log(xid(79)))
    assert codes(one).reason == "not-permitted"
    assert host.kernel_faults.reason == "not-permitted"  # type: ignore[union-attr]


def test_a_log_that_was_cut_off_proves_what_it_holds_and_no_more() -> None:
    cut = msgspec.structs.replace(log(xid(79)), truncated=True)
    _, (one, two) = facts(dmesg=cut)
    assert codes(one) == [(79, 1, 0)]
    assert two.xids == Missing("not-collected", "the kernel log was cut off")
    _, (_, two) = facts(dmesg=cut, journal_kernel=log(xid(79)))
    assert two.xids == ()


def test_a_masked_address_is_the_only_cards_or_the_hosts() -> None:
    host, gpus = facts(dmesg=log(xid(48, pci="...")))
    assert [codes(gpu) for gpu in gpus] == [[], []]
    (fault,) = host.kernel_faults  # type: ignore[misc]
    assert (fault.kind, fault.subject, fault.count) == ("xid-unplaced-fatal", "host", 1)
    assert fault.message.startswith("Xid 48 at an address that the log hides: ")
    alone = bare().capture(dmesg=log(xid(48, pci="...")), sysfs_pci=files({}), nvml=ONLY)
    found = understand(alone)
    assert codes(found.gpus[0]) == [(48, 1, 0)]  # type: ignore[index]
    assert found.host.kernel_faults == ()


ONLY = msgspec.structs.replace(
    bare().sources["nvml"], devices=bare().sources["nvml"].devices[:1], system={}
)


def test_an_xid_of_a_card_that_is_not_here() -> None:
    """On a host it is a fault of the host; in a container it is another tenant's."""
    stray = log(xid(48, pci="0000:c1:00"), xid(48, pci="0000:c1:00"))
    host, _ = facts(dmesg=stray)
    (fault,) = host.kernel_faults  # type: ignore[misc]
    said = (fault.kind, fault.subject, fault.count, fault.boot)
    assert said == ("xid-unplaced-fatal", "host", 2, 0)
    assert fault.message.startswith("Xid 48 at 0000:c1:00.0: ")
    host, _ = facts(dmesg=stray, os=files({"/.dockerenv": ""}))
    assert host.kernel_faults == ()


@pytest.mark.parametrize(
    "code, kinds", [(94, ["xid-unplaced"]), (43, []), (48, ["xid-unplaced-fatal"])]
)
def test_an_xid_without_a_card_weighs_what_it_would_on_one(code: int, kinds: list[str]) -> None:
    host, _ = facts(dmesg=log(xid(code, pci="0000:c1:00")))
    assert [fault.kind for fault in host.kernel_faults] == kinds  # type: ignore[union-attr]


FELL = f"[  8.000000] NVRM: GPU {TWO}: GPU has fallen off the bus.\n"
OOM = "[  9.000000] Out of memory: Killed process 5 (python) total-vm:1kB, anon-rss:1kB\n"


def test_faults_name_the_card_or_the_host() -> None:
    host, _ = facts(dmesg=log(FELL, OOM, OOM), journal_kernel=log(FELL, OOM, OOM))
    lost, oom = sorted(host.kernel_faults, key=lambda fault: fault.kind)  # type: ignore[arg-type]
    assert (lost.kind, lost.subject, lost.count, lost.boot) == ("gpu-lost", "gpu1", 1, 0)
    assert replaced(oom, message="") == KernelFault(
        "oom-kill", "host", "", 2, 0, "9.000000", "9.000000"
    )


LIMITED = (
    f"[ 1.100000] pci {ONE}: 8.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x4 "
    "link at 0000:40:01.1 (capable of 252.048 Gb/s with 16.0 GT/s PCIe x16 link)\n"
)


def test_what_limits_a_card_is_no_fault() -> None:
    host, (one, two) = facts(dmesg=log(LIMITED), journal_kernel=log(LIMITED))
    assert host.kernel_faults == ()
    assert len(one.upstream_limits) == 1  # type: ignore[arg-type]
    assert "limited by 2.5 GT/s PCIe x4 link at 0000:40:01.1" in one.upstream_limits[0]  # type: ignore[index]
    assert two.upstream_limits == ()


def test_a_log_that_no_longer_reaches_the_boot_cannot_say_that_nothing_happened() -> None:
    late = command("[ 99.000000] pci 0000:41:00.0: enabling device\n")
    host, (one, _) = facts(dmesg=late)
    lost = Missing("not-collected", "the kernel log no longer reaches the boot")
    assert (one.upstream_limits, one.xids, host.kernel_faults) == (lost, lost, lost)


def test_a_ring_that_has_wrapped_still_says_what_it_holds() -> None:
    late = command("[ 99.000000] NVRM: Xid (PCI:0000:41:00): 79, GPU has fallen off the bus.\n")
    _, (one, two) = facts(dmesg=late)
    assert [event.code for event in one.xids] == [79]  # type: ignore[union-attr]
    assert isinstance(two.xids, Missing)


def test_a_log_that_begins_in_the_first_seconds_is_whole() -> None:
    _, (one, _) = facts(dmesg=command("[    0.209362] acpi PNP0A08:00: _OSC: not requested\n"))
    assert one.xids == ()
