"""What went wrong between cards, whichever copy or sum showed it, and whom it is said of."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.capture import Measurement
from preflight.facts import Facts, Missing, NotApplicable
from preflight.measured import AllReduce, PeerData
from tests.understand.build import ADDRESSES
from tests.understand.test_measured import between, copied, entry, facts, path

ONE, TWO = ADDRESSES
WELL = ("ok", "skipped", "in-use", "not-supported", "tool-absent")
COPIES = ("peer-copy", "peer-copy-both", "peer-latency", "peer-data", "peer-all", "staged-copy")
COPY = between("peer-copy", unit="GB/s", samples=[300.0])
REFUSED = between("peer-access", values={"granted": False})


@pytest.mark.parametrize("status", ["failed", "timed-out", "gpu-lost"])
@pytest.mark.parametrize("name", COPIES)
def test_any_copy_that_does_not_end_well_is_a_fault_beside_good_ones(
    name: str, status: str
) -> None:
    others = [] if name == "peer-copy" else [COPY]
    for access in ([], [REFUSED]):
        found = path(*access, *others, between(name, status=status))
        assert found.peer_completion == f"{name}: {status.replace('-', ' ')}"


@pytest.mark.parametrize("status", ["skipped", "in-use", "not-supported", "tool-absent"])
def test_a_copy_that_was_not_tried_has_not_ended(status: str) -> None:
    proof = between("peer-data", values={"words": 9, "wrong": 0})
    assert path(COPY, proof).peer_completion == ""
    untried = path(between("peer-copy", status=status), proof).peer_completion
    assert isinstance(untried, Missing)
    assert untried.reason == status
    assert isinstance(path(proof).peer_completion, Missing), "no peer-copy at all"
    assert path(COPY, between("peer-all", status=status)).peer_completion == ""


@pytest.mark.parametrize("name", ["peer-copy", "peer-copy-both", "peer-all", "staged-copy"])
def test_damage_counts_whichever_copy_shows_it(name: str) -> None:
    right = between("peer-data", values={"words": 9, "wrong": 0})
    wrong = between(name, status="wrong-data", detail="9 words differ")
    for found in (path(right, wrong), path(REFUSED, wrong)):
        assert isinstance(found.peer_data, PeerData)
        assert found.peer_data.wrong
        assert "9 words differ" in found.peer_data.detail
    assert path(wrong, subject="gpu1>gpu0").peer_data != found.peer_data, "one way only"


def test_staged_copies_without_access_are_owed_nothing_while_they_are_well() -> None:
    staged = between("staged-copy", unit="GB/s", samples=[20.0])
    found = path(REFUSED, staged)
    assert isinstance(found.peer_completion, NotApplicable)
    assert isinstance(found.peer_data, NotApplicable)


@pytest.mark.parametrize("name", ["peer-all", "own-allreduce"])
def test_a_ring_that_names_no_pair_is_said_of_every_pair_in_it(name: str) -> None:
    hung = entry(name, cards=[ONE, TWO], status="timed-out", detail="no end within 10 s")
    wrong = entry(name, cards=[ONE, TWO], status="wrong-data", values={"wrong": 9})
    for subject in ("gpu0>gpu1", "gpu1>gpu0"):
        assert path(COPY, hung, subject=subject).peer_completion == (
            f"{name}: timed out: no end within 10 s"
        )
        assert path(REFUSED, wrong, subject=subject).peer_data.wrong == 9
    nameless = entry(name, status="failed")
    assert path(COPY, nameless).peer_completion == f"{name}: failed"
    others = entry(name, cards=[ONE, "0000:99:00.0"], status="timed-out")
    assert path(COPY, others).peer_completion == "", "not of this pair"
    for status in WELL:
        assert path(COPY, entry(name, cards=[ONE, TWO], status=status)).peer_completion == ""


def summed(*cards: str, name: str = "nccl-allreduce", **told: Any) -> Measurement:
    values = {"rows": [{"bytes": 1 << 30, "us": [10.0]}], "wrong": 0} | told.pop("values", {})
    return entry(name, cards=list(cards or ADDRESSES), unit="us", values=values, **told)


def nccl(*entries: Measurement) -> Any:
    return facts(*entries).host.nccl_allreduce


HUNG = summed(status="timed-out", detail="no word for 30 s")
WRONG = summed(status="wrong-data", values={"wrong": 7})


def test_of_several_sums_a_wrong_one_counts_first_then_one_that_hung() -> None:
    for entries in ((summed(), WRONG, HUNG), (HUNG, WRONG, summed())):
        assert nccl(*entries).wrong == 7
    for two in ((summed(), HUNG), (HUNG, summed())):
        assert nccl(*two) == "nccl-allreduce: timed out: no word for 30 s"
    assert nccl(summed(), summed(status="exploded")) == "nccl-allreduce: exploded"
    assert nccl(summed(status="wrong-data")).wrong == 1, "damage that is not counted is damage"
    assert nccl(summed(values={"wrong": 3})).wrong == 3, "whatever its status says"
    untimed = nccl(summed(status="wrong-data", detail="7 words", values={"rows": []}))
    assert untimed == "nccl-allreduce: wrong data: 7 words"


@pytest.mark.parametrize("status", ["skipped", "tool-absent", "not-supported", "in-use"])
def test_a_sum_that_was_not_tried_is_missing(status: str) -> None:
    found = nccl(summed(status=status))
    assert isinstance(found, Missing)
    assert found.reason == status
    assert isinstance(nccl(summed(status=status), summed()), AllReduce)


@pytest.mark.parametrize("cards", [(ONE, ONE), (ONE, "0000:99:00.0"), (ONE,), (ONE, TWO, "x")])
def test_a_sum_over_cards_that_the_host_does_not_have_is_not_counted(
    cards: tuple[str, ...],
) -> None:
    assert isinstance(nccl(summed(*cards)), Missing)
    found = nccl(summed(*cards, values={"rows": [{"bytes": 8, "us": [1.0]}]}), summed())
    assert found.cards == ("gpu0", "gpu1")
    assert found.time_us == {1 << 30: 10.0}


def test_a_wrong_sum_without_peers_is_not_lost_where_nccl_was_left_out() -> None:
    wrong = summed(name="nccl-allreduce-no-p2p", status="wrong-data", detail="7 words")
    skipped = summed(status="skipped")
    assert nccl(skipped, wrong) == "nccl-allreduce-no-p2p: wrong data: 7 words"
    assert isinstance(nccl(summed(), wrong), AllReduce)
    assert facts(summed(), wrong).host.nccl_allreduce_without_peers.wrong == 1  # type: ignore[union-attr]


def together(*statuses: str) -> Facts:
    told = {"cards": [ONE, TWO], "detail": "CUDA_ERROR_UNKNOWN (999)"}
    cuda = [entry("cuda", pci=pci, values=CUDA) for pci in ADDRESSES]
    pairs = zip(ADDRESSES, statuses, strict=True)
    ran = [copied("host-to-device-together", pci, 50, status=s, **told) for pci, s in pairs]
    return facts(*cuda, *ran)


CUDA = {"name": "NVIDIA H200", "sms": 132, "compute_capability": [9, 0]}


def test_copies_of_all_at_once_that_failed_are_the_hosts_and_no_cards() -> None:
    found = together("failed", "failed")
    assert found.host.copies_together == (
        "host-to-device-together: failed: CUDA_ERROR_UNKNOWN (999)"
    )
    assert [gpu.cuda_errors for gpu in found.gpus] == [(), ()]  # type: ignore[union-attr]
    assert isinstance(together("skipped", "skipped").host.copies_together, Missing)


def test_a_node_is_a_whole_number() -> None:
    def reached(place: Any) -> Any:
        return facts(
            entry("cpu-copy", unit="GB/s", samples=[90.0], values={"numa_node": place})
        ).host.cpu_copy

    assert list(reached(1)) == ["node 1"]
    assert list(reached(None)) == ["any node"]
    odd: Any
    for odd in ("[red]", 1.5, -1, True, {}):
        assert isinstance(reached(odd), Missing), odd


def test_a_log_is_read_no_further_than_the_probe_writes_one() -> None:
    link = "vm:1:1 [0] NCCL INFO Channel 00/0 : 1[1] -> 0[0] via {}\n"
    padding = "vm:1:1 [0] NCCL INFO nothing\n" * 2500
    log = link.format("P2P/CUMEM") + padding + link.format("SHM")
    assert len(padding) > 64 << 10
    assert nccl(summed(values={"log": log})).transports == ("P2P/CUMEM",)
