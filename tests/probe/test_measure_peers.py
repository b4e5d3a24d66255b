"""What happens between cards, with a stand-in for the driver that can be made to fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight.probe import measure_peers
from preflight.probe.record import Entry, Record

FIRST, SECOND = "0000:01:00.0", "0000:02:00.0"
DRIVE = """
import json, sys
from preflight.probe import measure_allreduce, measure_peers, measure_peers_together
from preflight.probe.record import Record

record = Record(lambda words: None, lambda *keys_and_value: print(json.dumps(keys_and_value[-1])))
measure_peers.HANGS_S = measure_peers_together.HANGS_S = 2.0
what, *cards = sys.argv[1:]
if what == "pair":
    measure_peers.peers(*cards, True, record)
elif what == "direct":
    measure_peers.peers(*cards, False, record)
elif what == "ring":
    measure_peers_together.peers_together(cards, record)
else:
    measure_allreduce.own_allreduce(cards, record)
"""
PAIR_MIB, SUM_MIB = 640, 513  # of memory a card: what is above the margin is all used


def entries(
    folder: Path, *arguments: str, mib: int = PAIR_MIB, **told: str
) -> list[dict[str, Any]]:
    """Every entry that the measuring functions make of cards that are told by the environment."""
    cards = arguments[1:]
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(folder),
        "STAND_IN_CARDS": ",".join(cards),
        "STAND_IN_MIB": str(mib),
        **{f"STAND_IN_{name.upper()}": value for name, value in told.items()},
    }
    done = subprocess.run(
        [sys.executable, "-c", DRIVE, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def pair(folder: Path, **told: str) -> dict[tuple[str, str], dict[str, Any]]:
    """By name and card read from."""
    return {
        (entry["name"], entry["from"]): entry
        for entry in entries(folder, "pair", FIRST, SECOND, **told)
    }


def test_both_directions_of_a_sound_pair(cuda_folder: Path) -> None:
    found = pair(cuda_folder)
    assert {entry["status"] for entry in found.values()} == {"ok"}
    both_ways = ("peer-access", "staged-copy", "peer-data", "peer-copy", "peer-latency")
    assert set(found) == {
        *((name, card) for name in both_ways for card in (FIRST, SECOND)),
        ("peer-copy-both", FIRST),
    }
    assert found["peer-copy", FIRST]["samples"][0] == pytest.approx(50, rel=0.02)
    assert found["peer-copy-both", FIRST]["samples"][0] == pytest.approx(100, rel=0.02)
    assert found["peer-data", FIRST]["values"] == {"words": 5 * (16 << 20) // 4, "wrong": 0}


def test_a_slow_direction_is_told_from_the_other_one(cuda_folder: Path) -> None:
    found = pair(cuda_folder, slow="1>0:3")
    assert found["peer-copy", FIRST]["samples"][0] == pytest.approx(50, rel=0.02)
    assert found["peer-copy", SECOND]["samples"][0] == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize(
    ("fault", "way", "wrong"),
    [
        ("corrupt=copy:0>1", "copied, read by kernel", 2),
        ("corrupt=store:0>1", "written, read by kernel", 2),
        ("corrupt=load:0>1", "read over the peer's link by kernel", 1),
        ("corrupt=from-device:1", "read by copy engine", 2),
    ],
)
def test_one_wrong_bit_on_any_way(cuda_folder: Path, fault: str, way: str, wrong: int) -> None:
    found = pair(cuda_folder, fault=fault)
    entry = found["peer-data", FIRST]
    assert entry["status"] == "wrong-data"
    assert entry["values"]["wrong"] == wrong
    assert way in entry["detail"]
    assert "the first at byte 55924" in entry["detail"]
    assert found["peer-data", SECOND]["status"] == "ok"


def test_a_wrong_bit_in_what_is_staged(cuda_folder: Path) -> None:
    found = pair(cuda_folder, fault="corrupt=to-device:1")
    assert found["staged-copy", FIRST]["status"] == "wrong-data"
    assert found["staged-copy", SECOND]["status"] == "ok"


@pytest.mark.parametrize(
    ("denied", "granted"), [("0>1,1>0", []), ("0>1", [SECOND]), ("1>0", [FIRST])]
)
def test_without_access_copies_are_staged_alone(
    cuda_folder: Path, denied: str, granted: list[str]
) -> None:
    found = {
        (entry["name"], entry["from"]): entry
        for entry in entries(cuda_folder, "direct", FIRST, SECOND, deny=denied)
    }
    assert {entry["status"] for entry in found.values()} == {"ok"}
    told = {card: found["peer-access", card]["values"]["granted"] for card in (FIRST, SECOND)}
    assert [card for card, is_granted in told.items() if is_granted] == granted
    for name, cards in (("peer-copy", granted), ("peer-data", granted)):
        assert [card for card in (FIRST, SECOND) if (name, card) in found] == cards
    staged = [card for card in (FIRST, SECOND) if ("staged-copy", card) in found]
    assert staged == [card for card in (FIRST, SECOND) if card not in granted]
    assert ("peer-copy-both", FIRST) not in found


def test_access_that_is_promised_and_refused(cuda_folder: Path) -> None:
    found = pair(cuda_folder, fault="error=cuCtxEnablePeerAccess:217:1")
    assert found["peer-access", SECOND]["status"] == "not-supported"
    assert ("peer-copy", SECOND) not in found
    assert found["peer-data", FIRST]["status"] == "ok"


def test_a_copy_that_never_ends_is_told_and_ends_the_pair(cuda_folder: Path) -> None:
    found = pair(cuda_folder, fault="stuck=1>0")
    entry = found["peer-data", SECOND]
    assert (entry["status"], entry["detail"]) == ("timed-out", "no end within 2 s")
    assert found["peer-copy", FIRST]["status"] == "ok"
    assert ("peer-copy", SECOND) not in found


def test_wrong_data_before_a_copy_that_never_ends_stay_wrong() -> None:
    kept: list[dict[str, Any]] = []
    record = Record(lambda words: None, lambda *keys_and_value: kept.append(keys_and_value[-1]))

    def work(entry: Entry) -> None:
        entry.wrong("one word differs")
        raise measure_peers.Hung

    with pytest.raises(measure_peers.Hung):
        measure_peers.measured(record, work, "peer-data", "", "", source=FIRST, target=SECOND)
    assert kept[0]["status"] == "wrong-data"
    assert kept[0]["detail"] == "one word differs; then no end within 10 s"


def test_a_card_that_is_lost_in_mid_copy(cuda_folder: Path) -> None:
    found = pair(cuda_folder, fault="lose=1:100")
    assert found["staged-copy", FIRST]["status"] == "failed"
    assert "(999)" in found["staged-copy", FIRST]["detail"]
    assert found["peer-data", FIRST]["status"] == "failed"


def test_too_little_memory_is_no_fault_of_the_cards(cuda_folder: Path) -> None:
    for what, name in (("pair", "peer-access"), ("ring", "peer-all"), ("sum", "own-allreduce")):
        (entry,) = entries(cuda_folder, what, FIRST, SECOND, mib=512)
        assert (entry["name"], entry["status"]) == (name, "skipped")


@pytest.mark.parametrize("count", [2, 4, 8])
def test_every_card_to_the_next_one(cuda_folder: Path, count: int) -> None:
    cards = [f"0000:0{number}:00.0" for number in range(1, count + 1)]
    found = entries(cuda_folder, "ring", *cards, slow="1>0:4,2>3:4")
    slow = [entry["from"] for entry in found if entry["samples"][0] < 10]
    assert slow == ([cards[1]] if count == 2 else [cards[2]])
    assert {(entry["from"], entry["to"]) for entry in found} == {
        (cards[at], cards[(at + 1) % count]) for at in range(count)
    }


def test_no_ring_over_a_pair_without_access(cuda_folder: Path) -> None:
    assert entries(cuda_folder, "ring", FIRST, SECOND, deny="1>0") == []


def test_a_ring_with_a_copy_that_never_ends(cuda_folder: Path) -> None:
    found = entries(cuda_folder, "ring", FIRST, SECOND, fault="stuck=0>1")
    assert {entry["status"] for entry in found} == {"timed-out"}


@pytest.mark.parametrize("count", [2, 4, 8])
@pytest.mark.parametrize("denied", ["", "1>0"])
def test_the_sum_over_all_cards(cuda_folder: Path, count: int, denied: str) -> None:
    cards = [f"0000:0{number}:00.0" for number in range(1, count + 1)]
    (entry,) = entries(cuda_folder, "sum", *cards, mib=SUM_MIB, deny=denied)
    assert (entry["status"], entry["values"]["wrong"]) == ("ok", 0)
    assert entry["cards"] == cards
    assert ("pinned memory of the host" if denied else "peers' memory") in entry["method"]
    assert [row["bytes"] for row in entry["values"]["rows"]] == [8 << 10, 128 << 10]


@pytest.mark.parametrize("denied", ["", "1>0"])
def test_a_wrong_sum(cuda_folder: Path, denied: str) -> None:
    fault = {"mib": SUM_MIB, "fault": "corrupt=sum:1", "deny": denied}
    (entry,) = entries(cuda_folder, "sum", FIRST, SECOND, **fault)  # type: ignore[arg-type]
    assert entry["status"] == "wrong-data"
    assert entry["values"]["wrong"] > 0
