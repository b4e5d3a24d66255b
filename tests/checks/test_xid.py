from __future__ import annotations

import pytest

from preflight.checks.xid import Limits, check
from preflight.facts import XidEvent
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.xids import table


def event(code: int, count: int = 1, message: str = "", boot: int = 0) -> XidEvent:
    return XidEvent(code, message, count, boot, "12:00", "13:00")


@pytest.mark.parametrize(
    "codes, status",
    [
        ([79, 54, 48, 171, 172, 64, 157, 95, 140, 62, 46, 158, 119, 120, 110, 143], FAIL),
        ([151, 154, 168, 167], FAIL),
        ([94, 63, 156, 92, 109, 74, 136, *range(144, 151), 155, 137, 121], WARN),
        ([32, 11, 25, 80, 69, 38, 44, 37, 66, 67, 165], WARN),
        ([39, 40, 41, 70, 71, 72, 75, 76, 77, 85], WARN),
        ([13, 31, 43, 45, 8, 68, 141, 162, 163, 164, 56], PASS),
        ([999], WARN),
    ],
)
def test_every_code_of_the_table(codes: list[int], status: Status) -> None:
    for code in codes:
        assert check(Limits(), xids=(event(code),)).status is status, code
    assert set(codes) <= {*table(), 999}


def test_the_rows_above_are_the_whole_table() -> None:
    assert len(table()) == 69


@pytest.mark.parametrize(
    "code, count, status",
    [
        (94, 1, WARN),
        (94, 2, FAIL),
        (109, 2, WARN),
        (109, 3, FAIL),
        (56, 9, PASS),
        (56, 10, WARN),
        (43, 672, PASS),
        (13, 800, PASS),
    ],
)
def test_repeats(code: int, count: int, status: Status) -> None:
    assert check(Limits(), xids=(event(code, count),)).status is status


def test_repeats_count_over_both_boots() -> None:
    events = (event(109, 2), event(109, 1, boot=-1))
    assert check(Limits(), xids=events).status is FAIL


@pytest.mark.parametrize(
    "code, message, status",
    [
        (149, "NETIR_LINK_EVT  Fatal   XC0 i0 Link 01 (0x021425c6)", FAIL),
        (145, "RLW_RXPIPE Nonfatal XC0 i0 Link 11", WARN),
        (74, "NVLink: fatal error detected on link 14(0x0, 0x0)", FAIL),
        (74, "NVLink: non-fatal error on link 3", WARN),
        (154, "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)", FAIL),
        (154, "GPU recovery action changed from 0x0 (None) to 0x4 (Drain and Reset)", FAIL),
        (154, "GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)", PASS),
    ],
)
def test_the_line_decides(code: int, message: str, status: Status) -> None:
    assert check(Limits(), xids=(event(code, message=message),)).status is status


def test_the_worst_line_of_a_code_counts() -> None:
    events = (event(149, message="Nonfatal"), event(149, message="Fatal", boot=-1))
    assert check(Limits(), xids=events).status is FAIL


def test_no_xid_passes() -> None:
    assert check(Limits(), xids=()).status is PASS


def test_the_worst_code_leads_and_brings_its_remedy() -> None:
    finding = check(Limits(), xids=(event(43, 5), event(13, 8844), event(79, boot=-1)))
    assert finding.status is FAIL
    assert finding.measured == (79, 13, 43)
    assert finding.remedy_class == "power-cycle"
    assert finding.message.startswith(
        "Xid 79 x1 (the card has fallen off the bus; last 13:00, before the last reboot), "
        "Xid 13 x8844 (a program's fault on the card (exception or page fault); last 13:00), "
    )


def test_the_heaviest_remedy_leads_among_failures() -> None:
    finding = check(Limits(), xids=(event(48, 9), event(79)))
    assert (finding.measured, finding.remedy_class) == ((79, 48), "power-cycle")


@pytest.mark.parametrize(
    "code, message, words",
    [
        (154, "changed from 0x0 (None) to 0x1 (GPU Reset Required)", "to 0x1 (GPU Reset Required)"),
        (74, "NVLink: fatal error detected on link 14(0x0)", "fatal error detected on link 14"),
        (79, "GPU has fallen off the bus.", "the bus; last 13:00"),
    ],
)
def test_a_line_that_decides_is_shown(code: int, message: str, words: str) -> None:
    assert words in check(Limits(), xids=(event(code, message=message),)).message


def test_of_several_lines_the_one_that_decides_is_shown() -> None:
    lines = ("to 0x0 (None)", "to 0x2 (Node Reboot Required)")
    events = tuple(event(154, message=f"GPU recovery action changed {line}") for line in lines)
    assert lines[1] in check(Limits(), xids=events).message


def test_an_unknown_code_says_so() -> None:
    assert "unknown Xid" in check(Limits(), xids=(event(999),)).message


def test_many_codes_are_cut() -> None:
    message = check(Limits(), xids=tuple(map(event, (8, 13, 31, 43, 45, 68)))).message
    assert message.endswith(", 2 more codes")
    assert "more codes" not in check(Limits(), xids=tuple(map(event, (8, 13, 31, 43)))).message


@pytest.mark.parametrize(
    "limits, code, status",
    [
        (Limits(fail=(13,)), 13, FAIL),
        (Limits(warn=(79,)), 79, WARN),
        (Limits(info=(79,)), 79, PASS),
        (Limits(info=(999,)), 999, PASS),
    ],
)
def test_a_policy_may_judge_a_code_its_own_way(limits: Limits, code: int, status: Status) -> None:
    assert check(limits, xids=(event(code),)).status is status
