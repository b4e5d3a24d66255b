"""Which cards a layout takes, and which other layouts they carry."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, permutations
from typing import Any

import pytest

from preflight.facts import (
    Fact,
    Facts,
    Gpu,
    GpuModel,
    GpuPair,
    Host,
    Missing,
    PeerPath,
    Placement,
)
from preflight.layout import Server, parse
from preflight.understand.placement import placement

A, B = ("RTX 4090", "2684", 24564), ("RTX 3090", "2204", 24576)
LOST = {"lost_signs": ("NVML: GPU_IS_LOST",), "mig_enabled": Missing("gpu-lost")}
MIG = {"mig_enabled": True}


def host(
    kinds: str,
    changed: Mapping[int, Mapping[str, Any]] | None = None,
    topology: Mapping[str, Fact[str]] | None = None,
    peers: Fact[str] = "OK",
) -> Facts:
    """Cards by letter ("AAB"); pairs are PHB unless told otherwise."""
    well: dict[str, Any] = {"lost_signs": (), "mig_enabled": False, "compute_mode": "Default"}
    gpus = tuple(
        Gpu(f"gpu{n}", f"0000:0{n}:00.0", **(well | dict((changed or {}).get(n, {}))))
        for n in range(len(kinds))
    )
    models = tuple(GpuModel(f"gpu{n}", *(A if kind == "A" else B)) for n, kind in enumerate(kinds))
    names = [f"gpu{n}" for n in range(len(kinds))]
    pairs = tuple(
        GpuPair(f"{a}-{b}", "", topology=(topology or {}).get(f"{a}-{b}", "PHB"))
        for a, b in combinations(names, 2)
    )
    paths = tuple(
        PeerPath(f"{a}>{b}", "", peer_read=peers, peer_write=peers)
        for a, b in permutations(names, 2)
    )
    return Facts(Host(gpu_models=models), gpus, pairs, paths)


def placed(facts: Facts, layout: str) -> Placement:
    found = placement(facts, parse(layout))
    assert isinstance(found, Placement)
    return found


def chosen(facts: Facts, layout: str, *servers: str) -> Placement:
    """With servers as `--server` takes them."""
    told = (server.split(":") for server in servers)
    made = tuple(Server(parse(n), tuple(map(int, cards.split(",")))) for n, cards in told)
    found = placement(facts, parse(layout), made)
    assert isinstance(found, Placement)
    return found


def sets(*groups: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(f"gpu{number}" for number in group) for group in groups)


@pytest.mark.parametrize(
    "kinds, layout, groups",
    [
        ("AA", "tp2", sets("01")),
        ("A", "tp1", sets("0")),
        ("A", "tp2", ()),
        ("AB", "tp2", ()),
        ("AB", "pp2", sets("0", "1")),  # stages may differ
        ("AB", "replicas", sets("0", "1")),
        ("AB", "split", sets("0", "1")),
        ("A", "replicas", sets("0")),
        ("A", "split", ()),
        ("BAA", "tp2", sets("12")),  # the alike ones, wherever they are
        ("ABAB", "tp2pp2", sets("02", "13")),  # each group alike, the groups not
        ("AAAB", "tp2pp2", ()),
        ("AAAB", "tp3", sets("012")),
        ("AAAAAAAA", "tp8", sets("01234567")),
        ("AAAAAAAA", "tp16", ()),
        ("ABBB", "tp2", sets("12")),  # of the most common model
    ],
)
def test_groups(kinds: str, layout: str, groups: tuple[tuple[str, ...], ...]) -> None:
    found = placed(host(kinds), layout)
    assert found.groups == groups
    assert found.may_fit == bool(groups)


def test_the_nearest_cards_are_taken() -> None:
    far = {"gpu0-gpu1": "SYS", "gpu0-gpu2": "NV4", "gpu1-gpu3": "NV4"}
    assert placed(host("AAAA", topology=far), "tp2").groups == sets("02")
    assert placed(host("AAAA", topology=far), "tp2pp2").groups == sets("02", "13")
    unread: dict[str, Fact[str]] = {
        "gpu0-gpu1": Missing("guest-view"),
        "gpu0-gpu2": "SYS",
        "gpu1-gpu2": "NODE",
    }
    assert placed(host("AAA", topology=unread), "tp2").groups == sets("12")


@pytest.mark.parametrize(
    "changed, layout, groups, may_fit",
    [
        ({1: LOST}, "tp2", (), False),
        ({1: LOST}, "replicas", (), False),
        ({1: MIG}, "tp2", (), False),
        ({1: MIG}, "split", (), False),
        ({1: {"compute_mode": "Prohibited"}}, "tp2", (), False),
        ({1: {"mig_enabled": Missing("tool-failed")}}, "tp2", (), True),
        ({1: {"lost_signs": Missing("tool-failed")}}, "replicas", (), True),
        ({1: MIG}, "tp1", sets("0"), True),
    ],
)
def test_cards_that_cannot_be_used_or_were_not_read(
    changed: Mapping[int, Mapping[str, Any]],
    layout: str,
    groups: tuple[tuple[str, ...], ...],
    may_fit: bool,
) -> None:
    found = placed(host("AA", changed), layout)
    assert (found.groups, found.may_fit) == (groups, may_fit)


@pytest.mark.parametrize(
    "kinds, changed, layout, alternatives",
    [
        ("AB", {}, "tp2", ("split", "replicas", "pp2", "tp1")),
        ("AA", {}, "tp4", ("tp2", "pp2", "replicas", "split", "tp1")),
        ("A", {}, "tp2", ("tp1", "replicas")),
        ("A", {}, "split", ("tp1", "replicas")),
        ("AA", {1: MIG}, "tp2", ("tp1",)),
        ("AA", {1: LOST}, "tp2", ()),  # the host is refused anyhow
        ("AAAAAA", {}, "tp8", ("tp4", "tp2", "pp6", "replicas", "split", "tp1")),
    ],
)
def test_alternatives_the_nearest_first(
    kinds: str,
    changed: Mapping[int, Mapping[str, Any]],
    layout: str,
    alternatives: tuple[str, ...],
) -> None:
    assert placed(host(kinds, changed), layout).alternatives == alternatives


def test_no_alternative_is_itself_too_far_apart() -> None:
    far = {"gpu0-gpu1": "SYS"}
    assert placed(host("AA", topology=far), "tp4").alternatives[0] == "pp2"


@pytest.mark.parametrize(
    "peers, granted",
    [("OK", True), ("CNS", False), (Missing("tool-absent"), None)],
)
def test_peers_within_the_group(peers: Fact[str], granted: bool | None) -> None:
    assert placed(host("AA", peers=peers), "tp2").has_peers is granted
    assert placed(host("AA", peers=peers), "pp2").has_peers is None


def test_models_that_differ_only_in_what_one_does_not_tell_are_alike() -> None:
    facts = host("AA")
    told = GpuModel("gpu0", *A), GpuModel("gpu1", A[0], None, None)
    modded = GpuModel("gpu0", *A), GpuModel("gpu1", A[0], A[1], 49140)
    alike = Facts(Host(gpu_models=told), facts.gpus, facts.pairs)
    assert placed(alike, "tp2").groups == sets("01")
    assert placed(Facts(Host(gpu_models=modded), facts.gpus, facts.pairs), "tp2").groups == ()


def test_without_models_nothing_is_claimed() -> None:
    facts = host("AA")
    unnamed = Facts(Host(gpu_models=Missing("tool-failed")), facts.gpus, facts.pairs)
    found = placed(unnamed, "tp2")
    assert (found.groups, found.may_fit) == ((), True)


def test_no_cards() -> None:
    unread = Missing("tool-failed", "lspci")
    assert placement(Facts(Host(), unread), parse("tp2")) == unread
    none = placement(Facts(Host(), ()), parse("tp2"))
    assert isinstance(none, Missing)


@pytest.mark.parametrize(
    "kinds, changed, layout, servers, groups, refusal",
    [
        ("AAAA", {}, "tp2", ["tp2:2,3"], sets("23"), ""),  # those, not the first ones
        ("AAAA", {}, "tp2", ["tp2:3,1"], sets("31"), ""),  # in the order of the ranks
        ("ABAB", {}, "tp2", ["tp2:0,1"], (), "tp2 splits every layer evenly over cards 0, 1"),
        ("ABAB", {}, "tp2pp2", ["tp2pp2:0,2,1,3"], sets("02", "13"), ""),
        ("ABAB", {}, "tp2pp2", ["tp2pp2:0,1,2,3"], (), "which are not of one model"),
        ("ABB", {}, "split", ["tp1:0", "tp2:1,2"], sets("0", "12"), ""),
        ("ABB", {}, "split", ["tp1:2", "tp2:0,1"], (), "gpu0 RTX 4090 and gpu1 RTX 3090"),
        ("AABB", {}, "replicas", ["tp2:0,1", "tp2:2,3"], sets("01", "23"), ""),
        ("ABAB", {}, "replicas", ["tp2:0,1", "tp2:2,3"], (), "cards 0, 1"),
        ("AB", {}, "split", ["tp1:0", "tp1:0"], sets("0", "0"), ""),  # two on one card
        ("AAA", {0: MIG}, "replicas", ["tp1:1", "tp1:2"], sets("1", "2"), ""),  # not asked for
        ("AAA", {0: MIG}, "tp2", ["tp2:0,1"], (), "MIG is on"),
        ("AA", {}, "tp2", ["tp2:1,2"], (), "no card 2 (nvidia-smi counts 0, 1)"),
        ("A", {0: {"mig_enabled": Missing("tool-failed")}}, "tp1", ["tp1:0"], (), ""),
    ],
)
def test_servers_on_cards_that_somebody_chose(
    kinds: str,
    changed: Mapping[int, Mapping[str, Any]],
    layout: str,
    servers: list[str],
    groups: tuple[tuple[str, ...], ...],
    refusal: str,
) -> None:
    found = chosen(host(kinds, changed), layout, *servers)
    assert found.groups == groups
    assert refusal in found.refusal
    assert found.may_fit == (refusal == "")
    assert bool(found.refusal) == bool(refusal)


def test_a_card_has_the_number_that_nvidia_smi_gives_it() -> None:
    """A card that the driver does not drive has a subject and no number."""
    changed: dict[int, Any] = {0: LOST, 1: {"nvml_index": 0}, 2: {"nvml_index": 1}}
    assert chosen(host("AAA", changed), "tp2", "tp2:0,1").groups == sets("12")
    assert "no card 2" in chosen(host("AAA", changed), "tp1", "tp1:2").refusal


def test_many_cards_take_no_time() -> None:
    """A capture may claim any number of cards; the combinations of all would never end."""
    found = placed(host("A" * 64), "tp8pp2")
    assert len(found.groups) == 2
