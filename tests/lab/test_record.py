"""The page gets the last run and nothing else of it changes."""

from __future__ import annotations

from pathlib import Path

from .record import record

RESULTS = """<testsuites><testsuite><testcase name="test_a_host_serves" time="61.6">
<properties><property name="killed" value="4 of 99"/></properties></testcase>
<testcase name="test_b"><skipped message="no root"/></testcase>
<testcase name="test_c" time="1"><failure message="x"/></testcase></testsuite></testsuites>"""


def test_a_run_is_written_at_the_end_and_then_in_its_place(tmp_path: Path) -> None:
    results = tmp_path / "lab.xml"
    results.write_text(RESULTS)
    once = record("# Provisioning\n\nText.\n", results, "2026-01-01 00:00 UTC", "abc1234")
    assert once.startswith("# Provisioning\n\nText.\n\n## The lab's last run\n")
    assert "abc1234: 1 failed, 1 passed, 1 skipped." in once
    assert "| a host serves | passed; killed: 4 of 99 | 62 |" in once
    later = record(f"{once}\nMore.\n", results, "2026-01-02 00:00 UTC", "def5678")
    assert "abc1234" not in later
    assert later.count("a host serves") == 1
    assert later.endswith("\nMore.\n")
