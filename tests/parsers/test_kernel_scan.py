"""A bug report's grep of the kernel's logs: each line in its own boot, and told once."""

from __future__ import annotations

import pytest

from preflight.parsers.kernel_scan import Scan, parse

OLD = "Feb 12 13:06:41 host kernel: [614111.868353] NVRM: Xid (PCI:0000:1a:00): 43, pid=1, name=a"
LOAD = "Feb 14 08:00:05 host kernel: [    5.100000] NVRM: loading NVIDIA UNIX x86_64 Kernel Module"
NEW = "Feb 14 09:10:11 host kernel: [ 4211.000000] NVRM: Xid (PCI:0000:68:00): 62, pid=2, name=b"
JOURNAL = "Feb 14 09:10:11 host kernel: NVRM: Xid (PCI:0000:68:00): 62, pid=2, name=b"
JOURNAL_LOAD = "Feb 14 08:00:04 host kernel: NVRM: loading NVIDIA UNIX x86_64 Kernel Module"


def scan(*parts: tuple[str, str]) -> Scan:
    return parse("".join(f"\n  {title}:\n{body}\n" for title, body in parts))


def rows(text: str) -> list[str]:
    return [row for row in text.split("\n") if row]


def test_a_file_of_weeks_is_parted_where_the_journal_of_this_boot_begins() -> None:
    kern = "\n".join([OLD, LOAD, NEW])
    found = scan(("/var/log/kern.log", kern), ("journalctl -b -0", f"{JOURNAL_LOAD}\n{JOURNAL}"))
    assert rows(found.before) == [OLD]
    assert found.this_boot == (f"{JOURNAL_LOAD}\n{JOURNAL}", f"{LOAD}\n{NEW}")
    assert found.sees_driver_load


def test_without_a_journal_uptime_tells_the_boot() -> None:
    found = scan(("/var/log/messages", "\n".join([OLD, LOAD, NEW])))
    assert rows(found.before) == [OLD]
    assert found.this_boot == (f"{LOAD}\n{NEW}",)


def test_without_either_the_drivers_last_load_does() -> None:
    lines = [
        f"2024-02-{day}T08:00:0{second}.1+01:00 host kernel: NVRM: {words}"
        for day, second, words in (
            (12, 1, "loading NVIDIA UNIX"), (12, 2, "Xid (PCI:0000:01:00): 79, x"),
            (14, 1, "loading NVIDIA UNIX"), (14, 2, "Xid (PCI:0000:01:00): 31, x"),
        )
    ]  # fmt: skip
    found = scan(("/var/log/kern.log", "\n".join(lines)))
    assert rows(found.before) == lines[:2]
    assert found.this_boot == ("\n".join(lines[2:]),)


@pytest.mark.parametrize(
    "twin",
    [
        "Feb 12 13:06:41 host kernel: NVRM: Xid (PCI:0000:1a:00): 43, pid=1, name=a",
        "2月 12 13:06:41 host kernel: NVRM: Xid (PCI:0000:1a:00): 43, pid=1, name=a",
        "2024-02-12T13:06:41.868353-05:00 h kernel: NVRM: Xid (PCI:0000:1a:00): 43, pid=1, name=a",
    ],
)
def test_one_event_in_two_logs_is_one_whatever_the_stamp(twin: str) -> None:
    found = scan(
        ("/var/log/kern.log", f"{OLD}\n{LOAD}"), ("journalctl -b -0", JOURNAL_LOAD),
        ("journalctl -b -1", twin),
    )  # fmt: skip
    assert rows(found.before) == [OLD]


def test_what_a_rotated_file_no_longer_holds_comes_from_the_journal_in_order_of_time() -> None:
    middle = "Feb 13 01:00:00 host kernel: NVRM: Xid (PCI:0000:1a:00): 79, pid=9, lost"
    early = "Feb 10 01:00:00 host kernel: NVRM: Xid (PCI:0000:1a:00): 31, pid=8, x"
    found = scan(
        ("/var/log/kern.log", f"{OLD}\n{LOAD}"), ("journalctl -b -0", JOURNAL_LOAD),
        ("journalctl -b -1", middle), ("journalctl -b -2", early),
    )  # fmt: skip
    assert rows(found.before) == [early, OLD, middle]


def test_equal_lines_of_one_log_all_count() -> None:
    found = scan(("/var/log/kern.log", f"{OLD}\n{OLD}\n{LOAD}"), ("journalctl -b -0", JOURNAL_LOAD))
    assert rows(found.before) == [OLD, OLD]


def test_a_year_that_turned_between_boot_and_report() -> None:
    boot = "Dec 31 23:50:00 host kernel: NVRM: loading NVIDIA UNIX"
    after = "Jan 01 00:10:00 host kernel: NVRM: Xid (PCI:0000:01:00): 31, x"
    before = "Nov 30 00:10:00 host kernel: NVRM: Xid (PCI:0000:01:00): 79, x"
    found = scan(("/var/log/kern.log", f"{before}\n{boot}\n{after}"), ("journalctl -b -0", boot))
    assert rows(found.before) == [before]
    assert found.this_boot[1] == f"{boot}\n{after}"


def test_a_boot_whose_begin_is_not_seen_proves_nothing() -> None:
    assert not scan(("journalctl -b -0", JOURNAL)).sees_driver_load
    assert scan(("journalctl -b -0", "")).this_boot == ()
    assert parse("no titles at all\n").before == ""


def test_of_a_scan_that_was_cut_before_the_journal_nothing_is_of_this_boot() -> None:
    text = f"\n  /var/log/kern.log:\n{OLD}\n{LOAD}\n{NEW}\n"
    assert parse(text, is_cut=True).this_boot == ()
    assert rows(parse(text, is_cut=True).before) == [OLD, LOAD, NEW]
    whole = f"{text}\n  journalctl -b -0:\n{JOURNAL_LOAD}\n"
    assert len(parse(whole, is_cut=True).this_boot) == 2


def test_the_snapshot_of_a_boot_is_left_out() -> None:
    assert scan(("/var/log/dmesg", f"[    9.0] kernel: {OLD}")) == Scan((), "", False)
