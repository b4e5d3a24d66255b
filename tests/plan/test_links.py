"""How cards reach each other: by the catalogue, by a host's report, by what was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from preflight.capture import decode
from preflight.facts import Facts, PeerPath
from preflight.measured import PeerData
from preflight.plan import cards, lookup
from preflight.plan.answer import Candidate, plan
from preflight.plan.links import Link, link
from preflight.plan.rates import rates
from preflight.plan.wish import Wish
from preflight.understand import understand

HOSTS = Path(__file__).resolve().parents[1] / "hosts"
INTACT, DAMAGED = PeerData(1 << 20, 0, ""), PeerData(1 << 20, 7, "kernel, offset 4096")


def _facts(machine: str) -> Facts:
    return understand(decode((HOSTS / machine / "capture.json").read_bytes()))


def _with(facts: Facts, **told: object) -> Facts:
    paths = tuple(replace(path, **told) for path in facts.peer_paths)  # type: ignore[arg-type]
    return replace(facts, peer_paths=paths)


def _link(facts: Facts) -> Link:
    devices = cards.from_facts(facts)
    assert isinstance(devices, tuple)
    return link(devices, rates(), facts)


@pytest.mark.parametrize(
    ("gpus", "kind"),
    [
        ("2x RTX 4090", "staged"),
        ("2x RTX 3090", "staged"),  # a bridge is not known of
        ("2x RTX A6000", "peer"),
        ("2x H100 PCIe", "peer"),
        ("2x H100 80GB HBM3", "nvlink"),
        ("2x H200", "nvlink"),
        ("RTX 4090, RTX A6000", "staged"),
    ],
)
def test_by_the_catalogue(gpus: str, kind: str) -> None:
    assert link(cards.parse(gpus), rates()).kind == kind


def test_measured_rates_of_two_h200_are_met() -> None:
    """NCCL reached 328 GB/s over NVLink and 27.9 through host memory, at 16.5 us and more."""
    nvlink = link(cards.parse("2x H200"), rates())
    assert nvlink.gb_s == pytest.approx(328, rel=0.02)
    staged = replace(nvlink, kind="staged", gb_s=63.0 * rates().links["staged"].share)
    assert staged.gb_s == pytest.approx(27.9, rel=0.02)


def test_by_a_hosts_report() -> None:
    assert _link(_facts("h200x2")).kind == "nvlink"
    assert _link(_facts("rtx4090x2")).kind == "staged"
    assert "grants no peer access" in _link(_facts("rtx4090x2")).reason
    granted = _with(_facts("rtx4090x2"), peer_read="OK", peer_write="OK")
    assert _link(granted).kind == "peer"
    one_way = _facts("h200x2")
    first: PeerPath = one_way.peer_paths[0]
    paths = (replace(first, peer_read="CNS"), *one_way.peer_paths[1:])
    assert _link(replace(one_way, peer_paths=paths)).kind == "staged"


def test_measured_copies_prove_or_forbid() -> None:
    facts = _facts("h200x2")
    assert not _link(facts).is_proven
    assert _link(_with(facts, peer_data=INTACT)).is_proven
    damaged = _link(_with(facts, peer_data=DAMAGED))
    assert damaged.has_fault
    assert damaged.kind == "staged"
    assert _link(_with(facts, peer_completion="cuMemcpyPeer did not end")).has_fault


def test_a_measured_rate_beats_the_catalogue() -> None:
    facts = _facts("h200x2")
    pairs = tuple(replace(pair, exchange_gb_s=395.0) for pair in facts.pairs)
    made = _link(replace(facts, pairs=pairs))
    assert made.basis == "measured"
    assert made.gb_s == pytest.approx(328, rel=0.01)  # NCCL beside 395 GB/s of plain copies


def _layouts(facts: Facts) -> dict[str, Candidate]:
    devices = cards.from_facts(facts)
    assert isinstance(devices, tuple)
    made = plan(lookup.find("llama-3.1-8b"), devices, Wish("0.32.0"), facts)
    return {one.layout.name: one for one in made.candidates}


def test_damaged_peers_refuse_what_crosses_them() -> None:
    told = _layouts(_with(_facts("h200x2"), peer_data=DAMAGED))
    for name in ("tp2", "pp2"):
        refusal = told[name].refusal
        assert refusal is not None
        assert refusal.kind == "peers"
        assert "arrived damaged" in refusal.reason
    assert told["replicas"].fits


@pytest.mark.parametrize(("proven", "variables"), [(True, {}), (False, {"NCCL_P2P_DISABLE": "1"})])
def test_peers_that_are_not_proven_are_switched_off(
    proven: bool, variables: dict[str, str]
) -> None:
    facts = _with(_facts("rtx4090x2"), peer_read="OK", peer_write="OK")
    told = _layouts(_with(facts, peer_data=INTACT) if proven else facts)["tp2"].advice
    assert dict(told.env) == variables
    assert told.vllm.get("disable-custom-all-reduce") is (None if proven else True)


def test_a_precaution_is_not_set_aside() -> None:
    """What is asked against it is not taken, and said; with proven peers it stands."""
    off = {"NCCL_P2P_DISABLE": 0, "disable-custom-all-reduce": False}
    made = plan(
        lookup.find("llama-3.1-8b"), cards.parse("2x RTX 4090"), Wish("0.32.0", overrides=off)
    )
    told = next(one for one in made.candidates if one.layout.name == "tp2").advice
    assert told.env["NCCL_P2P_DISABLE"] == "1"
    assert told.vllm["disable-custom-all-reduce"] is False  # vLLM tries its peers before
    assert "0 was asked for, and is not taken" in told.reasons["NCCL_P2P_DISABLE"]
    nvlink = plan(
        lookup.find("llama-3.1-8b"), cards.parse("2x H200"), Wish("0.32.0", overrides=off)
    )
    free = next(one for one in nvlink.candidates if one.layout.name == "tp2").advice
    assert free.env["NCCL_P2P_DISABLE"] == "0"


def test_peers_that_were_switched_off_are_not_counted_on() -> None:
    model, two = lookup.find("llama-3.1-8b"), cards.parse("2x H200")
    speeds = []
    for value in (0, 1):
        asked = Wish("0.32.0", overrides={"NCCL_P2P_DISABLE": value})
        tp2 = next(o for o in plan(model, two, asked).candidates if o.layout.name == "tp2")
        assert tp2.prefill is not None
        speeds.append(tp2.prefill.tok_s)
    assert speeds[1] < 0.8 * speeds[0]
