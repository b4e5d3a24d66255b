"""Where programs were stopped: counted by program, not by line."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.findings import FAIL, PASS, Status
from preflight.understand import kernel
from preflight.understand.xid_places import places
from preflight.xids import table
from tests.understand.build import Builder, command


def event(pid: int | None, place: str, stamp: str = "1.0") -> dict[str, Any]:
    who = "pid='<unknown>', name=<unknown>" if pid is None else f"pid={pid}, name=python"
    return {"message": f"{who}, Graphics SM Warp Exception on ({place}): x", "stamp": stamp}


A, B = "GPC 3, TPC 2, SM 1", "GPC 0, TPC 0, SM 0"
FAULT = "pid=7, MMU Fault: ENGINE GRAPHICS GPC1 GPCCLIENT_T1_3 faulted @ 0x7f"


@pytest.mark.parametrize(
    "events, expected",
    [
        ([event(1, A), event(1, A), event(2, A)], {"GPC 3, TPC 2": 2}),
        ([event(None, A, "1.0"), event(None, A, "2.0")], {"GPC 3, TPC 2": 2}),
        ([event(1, A), event(1, B)], {"GPC 3, TPC 2": 1, "GPC 0, TPC 0": 1}),
        ([{"message": FAULT}], {"GPC 1, TPC 3": 1}),
        ([{"message": "pid=7, Ch 00000008"}, {"message": None}], {}),
    ],
)
def test_programs_by_place(events: list[dict[str, Any]], expected: dict[str, int]) -> None:
    assert places(events) == expected


@pytest.mark.parametrize(
    "pids, other, status",
    [
        ((1, 2), False, PASS),
        ((1, 2, 3), False, FAIL),
        ((1, 1, 1), False, PASS),
        ((1, 2, 3), True, PASS),
    ],
)
def test_one_place_that_stops_program_after_program_is_the_cards_fault(
    pids: tuple[int, ...], other: bool, status: Status
) -> None:
    said = [(pid, A) for pid in pids] + ([(9, B)] if other else [])
    log = "[    0.000000] Linux version 6.8.0\n" + "".join(
        f"[  {n}.500000] NVRM: Xid (PCI:0000:01:00): 13, pid={pid}, name=python, "
        f"Graphics SM Warp Exception on ({place}): Out Of Range Address\n"
        for n, (pid, place) in enumerate(said, 10)
    )
    logs = kernel.logs(Builder({"dmesg": command(log)}).capture())
    found = kernel.xids(logs, "0000:01:00.0", is_only_card=True).value
    assert isinstance(found, tuple)
    assert table()[13].judge(found) is status
