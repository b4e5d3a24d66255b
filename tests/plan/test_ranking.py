"""What a plan says beside its figures: gains, losses, the trade-off, when eager is needed."""

from __future__ import annotations

import pytest

from preflight.plan import cards, lookup
from preflight.plan.answer import Candidate, Plan, plan
from preflight.plan.cost import Price
from preflight.plan.ranking import choose, nearest
from preflight.plan.scaling import UNDIVIDED
from preflight.plan.throughput import BUBBLES, LATENCY, TRANSFER
from preflight.plan.wish import Wish


def _plan(model: str, gpus: str, **wish: object) -> Plan:
    return plan(lookup.find(model), cards.parse(gpus), Wish("0.32.0", **wish))  # type: ignore[arg-type]


def _of(made: Plan, name: str) -> Candidate:
    return next(one for one in made.candidates if one.layout.name == name)


def test_scaling_and_where_the_lost_share_goes() -> None:
    made = _plan("llama-3.1-8b", "2x RTX 4090")
    tp2, pp2, replicas = (_of(made, name).scaling for name in ("tp2", "pp2", "replicas"))
    assert tp2 is not None
    assert pp2 is not None
    assert replicas is not None
    assert 1.2 < tp2.at_one < 2
    assert {LATENCY, TRANSFER} <= set(tp2.lost)
    assert pp2.at_one <= 1
    assert pp2.lost[BUBBLES] > 0.1
    assert replicas.at_one == pytest.approx(1, rel=0.01)
    assert replicas.at_many > 1
    assert not {LATENCY, TRANSFER, BUBBLES} & set(replicas.lost)


@pytest.mark.parametrize("layout", ["tp4", "tp2pp2", "pp4"])
def test_what_four_cards_lose_adds_up(layout: str) -> None:
    scale = _of(_plan("llama-3.1-8b", "4x H100 80GB HBM3"), layout).scaling
    assert scale is not None
    assert UNDIVIDED in scale.lost or layout == "pp4"
    assert scale.at_many / 4 + sum(scale.lost.values()) == pytest.approx(1, abs=0.02)


def test_nvlink_loses_less_than_host_memory() -> None:
    staged = _of(_plan("llama-3.1-8b", "2x RTX 4090"), "tp2").scaling
    nvlink = _of(_plan("llama-3.1-8b", "2x H100 80GB HBM3"), "tp2").scaling
    assert staged is not None
    assert nvlink is not None
    assert staged.lost[TRANSFER] > 3 * nvlink.lost.get(TRANSFER, 0)


def test_what_a_setting_would_gain() -> None:
    one = _of(_plan("llama-3.1-8b", "RTX 4090"), "tp1")
    assert one.memory is not None
    held = one.memory.kv_cache_tokens
    assert 0 < one.gains["enforce-eager"] < 0.2 * held
    assert one.gains["kv-cache-dtype: fp8"] == pytest.approx(held, rel=0.02)
    old = _of(_plan("llama-3.1-8b-awq", "Tesla T4"), "tp1")
    assert set(old.gains) <= {"enforce-eager"}  # no fp8 cache before compute capability 8.0


def test_why_no_more_requests_at_once() -> None:
    """The cache is the limit on a small card; on a large one, vLLM's own default is."""
    small = _of(_plan("llama-3.1-8b", "RTX 4090"), "tp1").advice
    large = _of(_plan("llama-3.1-8b", "4x H100 80GB HBM3"), "tp4").advice
    assert "wait for cache" in small.reasons["max-num-seqs"]
    assert large.vllm["max-num-seqs"] == 1024
    assert "default" in large.reasons["max-num-seqs"]


def test_eager_is_taken_only_where_nothing_else_fits() -> None:
    """Somewhere between what fits and what does not lies a share that fits without graphs."""
    seen = []
    for share in range(640, 920, 2):
        made = _plan("llama-3.1-8b", "RTX 4090", overrides={"gpu-memory-utilization": share / 1000})
        one = _of(made, "tp1")
        assert one.setup is not None
        seen.append("eager" if one.fits and one.setup.enforce_eager else one.fits)
        if seen[-1] == "eager":
            assert one.advice.vllm["enforce-eager"] is True
            assert "CUDA graphs" in one.advice.reasons["enforce-eager"]
    order = list(dict.fromkeys(seen))
    assert order in ([False, "eager", True], [False, True])
    assert seen[-1] is True


def test_the_trade_off_is_a_sentence() -> None:
    made = _plan("llama-3.1-8b", "2x RTX 4090")
    choice = choose(made)
    assert choice.recommended is _of(made, "replicas")
    assert "replicas is best for throughput" in choice.why
    assert "tp2 would give" in choice.why
    assert "at one request" in choice.why


def test_more_tokens_in_the_table_than_the_best_are_explained() -> None:
    """Two cards over host memory write faster as a group, and read prompts slower."""
    made = _plan("llama-3.1-8b", "2x RTX 4090")
    replicas, tp2 = _of(made, "replicas"), _of(made, "tp2")
    assert tp2.decode[32].tok_s > 1.2 * replicas.decode[32].tok_s
    choice = choose(made)
    assert choice.recommended is replicas
    assert "tp2 would give" in choice.why
    assert f"writes faster, {tp2.decode[32].tok_s:.0f} tok/s at 32" in choice.why
    assert f"so that it serves {tp2.served_tok_s(made.wish):.0f}" in choice.why


def test_a_layout_that_more_requests_make_better_is_named() -> None:
    """One request at a time is written fastest by a group; four at once are read by replicas."""
    made = _plan("llama-3.1-8b", "2x RTX 4090", concurrency=8, input_tokens=1024)
    best = choose(made)
    assert best.recommended is not None
    busiest = max((one for one in made.candidates if one.fits), key=lambda one: one.busier_tok_s)
    is_other = busiest.busier_tok_s > best.recommended.busier_tok_s * 1.03
    assert (f"with 32 at once {busiest.layout.name} is better" in best.why) is is_other
    assert is_other


def test_rank_cost_and_table_rest_on_one_figure() -> None:
    made = _plan("llama-3.1-8b", "2x RTX 4090", price=Price(0.7))
    for one in made.candidates:
        assert one.served_cost_per_mtok is not None
        each = 0.7 / 3600 / one.served_tok_s(made.wish) * 1e6
        assert one.served_cost_per_mtok.amount == pytest.approx(each)
    cheapest = min(made.candidates, key=lambda one: str(one.served_cost_per_mtok))
    assert cheapest.served_tok_s(made.wish) == max(
        o.served_tok_s(made.wish) for o in made.candidates
    )


def test_fewer_cards_where_more_bring_nothing() -> None:
    assert choose(_plan("llama-3.1-8b", "2x RTX 4090", aim="cost")).recommended is not None
    made = _plan("llama-3.1-8b", "RTX 4090, RTX 3050", aim="context")
    best = choose(made).recommended
    assert best is not None
    assert best.memory is not None
    longest = max(one.memory.max_model_len for one in made.candidates if one.fits and one.memory)
    assert best.memory.max_model_len >= 0.97 * longest


@pytest.mark.parametrize(
    ("model", "gpus", "refused", "works"),
    [
        ("llama-3.1-70b-awq", "2x RTX 4090", "tp1", "tp2"),
        ("llama-3.1-70b-awq", "2x RTX 4090", "replicas", "tp2"),
        ("llama-3.1-70b-fp8", "2x RTX 4090", "tp2", None),
        ("phi-4", "3x RTX 4090", "tp3", "pp3"),  # 40 heads over 3 cards
    ],
)
def test_the_nearest_that_works(model: str, gpus: str, refused: str, works: str | None) -> None:
    made = _plan(model, gpus)
    assert not _of(made, refused).fits
    other = nearest(_of(made, refused), made)
    assert (other.layout.name if other else None) == works
    if works is None:
        assert choose(made).why.startswith("nothing fits; nearest is ")
