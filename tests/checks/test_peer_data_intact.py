from __future__ import annotations

from preflight.checks.peer_data_intact import Limits, check
from preflight.findings import FAIL, PASS
from preflight.measured import PeerData


def test_one_wrong_word_is_too_many() -> None:
    assert check(Limits(), peer_data=PeerData(1000, 0, "")).status is PASS
    wrong = check(Limits(), peer_data=PeerData(1000, 1, "read by kernel, first at 17"))
    assert (wrong.status, wrong.measured) == (FAIL, 1)
    assert "first at 17" in wrong.message


def test_damage_that_was_seen_in_passing() -> None:
    wrong = check(Limits(), peer_data=PeerData(0, 1, "staged-copy: wrong data: 9 words differ"))
    assert wrong.status is FAIL
    assert "something arrived wrong: staged-copy" in wrong.message


def test_what_is_told() -> None:
    good = check(Limits(), peer_data=PeerData(1000, 0, ""))
    assert (good.measured, good.expected, good.unit) == (0, 0, "words")
    assert good.message == "of 1000 words sent to it all arrived"
    bad = check(Limits(), peer_data=PeerData(1000, 3, ""))
    assert (bad.expected, bad.message) == (0, "of 1000 words sent to it 3 arrived wrong")
