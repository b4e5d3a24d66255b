"""What must hold for every model, card and setting, whatever the figures."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.catalog.models import models
from preflight.plan import cards, kv_cache, lookup, memory
from preflight.plan.activation import graph_sizes
from preflight.plan.shapes import GIB, Device, Model, Setup
from preflight.plan.stages import layer_counts, layers_of
from preflight.plan.weights import local, rank_bytes, work

_NAMES = [entry.name for entry in models()]
_CARD = cards.parse("RTX 4090")[0]
_HOPPER = (9, 0)
_find = cache(lookup.find)


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Model]:
    return {name: _find(name) for name in _NAMES}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(_NAMES),
    st.floats(4, 200),
    st.floats(0, 64),
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from([1, 2, 4]),
    st.sampled_from([0, 2048, 32_768]),
)
def test_more_memory_never_fits_less(
    name: str, gib: float, more: float, tensor: int, pipeline: int, length: int
) -> None:
    model = _find(name)
    setup = Setup(
        "0.32.0",
        tensor_parallel_size=tensor,
        pipeline_parallel_size=pipeline,
        max_model_len=length,
    )
    small, large = (
        memory.estimate(model, [_card(size)] * setup.ranks, setup) for size in (gib, gib + more)
    )
    assert large.fits or not small.fits
    assert large.max_model_len >= small.max_model_len
    assert all(
        more.kv_cache_gib >= less.kv_cache_gib
        for less, more in zip(small.ranks, large.ranks, strict=True)
    )


@pytest.mark.parametrize("name", _NAMES)
def test_tensor_parallel_shards_add_up(name: str, catalogue: dict[str, Model]) -> None:
    """All ranks together hold the model once, and what each needs whole as often as they are."""
    model = catalogue[name]
    whole = rank_bytes(model, Setup("0.32.0"), 0, _HOPPER)
    for tensor in (2, 4, 8):
        setup = Setup("0.32.0", tensor_parallel_size=tensor)
        if memory.divisible.refusal(model, [_card(80)] * tensor, setup):
            continue
        share = rank_bytes(model, setup, 0, _HOPPER)
        assert whole / tensor * 0.99 <= share
        assert share * tensor <= whole * 1.005 + (tensor - 1) * _copied(model) + tensor * (64 << 20)


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("stages", [2, 3, 5])
def test_pipeline_stages_add_up(name: str, stages: int, catalogue: dict[str, Model]) -> None:
    model = catalogue[name]
    setup = Setup("0.32.0", pipeline_parallel_size=stages)
    held = sum(rank_bytes(model, setup, stage, _HOPPER) for stage in range(stages))
    whole = rank_bytes(model, Setup("0.32.0"), 0, _HOPPER)
    again = (stages - 1) * model.rotary_bytes
    if model.head is None:  # tied: on the first and on the last stage
        again += 2 * model.vocab_size * model.hidden_size
    assert held == pytest.approx(whole + again, rel=1e-3)
    assert sum(len(layers_of(model, setup, stage)) for stage in range(stages)) == len(model.layers)


@pytest.mark.parametrize("name", _NAMES)
def test_a_longer_request_never_takes_fewer_blocks(name: str, catalogue: dict[str, Model]) -> None:
    pool = kv_cache.pool(catalogue[name], Setup("0.32.0"), 0)
    blocks = [pool.blocks_for(length, 4096) for length in range(1, 70_000, 997)]
    assert blocks == sorted(blocks)
    assert pool.block_bytes > 0


@pytest.mark.parametrize("name", _NAMES)
def test_a_batch_reads_and_computes_more_than_one_request(
    name: str, catalogue: dict[str, Model]
) -> None:
    one, many = (work(catalogue[name], Setup("0.32.0"), 0, tokens, _HOPPER) for tokens in (1, 64))
    for less, more in zip(one, many, strict=True):
        assert less.format == more.format
        assert 0 < less.bytes_read <= more.bytes_read
        assert more.flop == pytest.approx(64 * less.flop)


@pytest.mark.parametrize("name", _NAMES)
def test_one_token_uses_the_parameters_that_the_model_says(
    name: str, catalogue: dict[str, Model]
) -> None:
    model = catalogue[name]
    flop = sum(part.flop for part in work(model, Setup("0.32.0"), 0, 1, (8, 9)))
    # biases are no multiplications; MXFP4's experts are padded for the card
    assert flop / 2 == pytest.approx(model.parameters_used, rel=0.08)


def test_experts_are_touched_as_tokens_choose_them() -> None:
    """Of 8 experts a token takes 2: one token reads a quarter, 64 all but none."""
    experts = next(m for m in _find("mixtral-8x7b").layers[0].matrices if m.copies > 1)
    share = local(experts, Setup("0.32.0"), _HOPPER)
    assert share.touched(1) == pytest.approx(2)
    assert share.touched(2) == pytest.approx(8 * (1 - 0.75**2))
    assert share.touched(64) == pytest.approx(8)
    by_expert = local(
        experts, Setup("0.32.0", tensor_parallel_size=4, enable_expert_parallel=True), _HOPPER
    )
    assert (by_expert.copies, by_expert.used) == (2, 0.5)
    assert by_expert.bytes_each == share.bytes_each


def test_key_and_value_weights_are_copied_beyond_their_heads() -> None:
    key = next(m for m in _find("llama-3.1-8b").layers[0].matrices if m.split == "kv-heads")
    outputs = {
        tp: local(key, Setup("0.32.0", tensor_parallel_size=tp), _HOPPER).outputs
        for tp in (1, 8, 16, 32)
    }
    assert outputs == {1: 1024, 8: 128, 16: 128, 32: 128}


def test_equal_models_are_one_key() -> None:
    one, other = lookup.find("llama-3.1-8b"), lookup.find("llama-3.1-8b")
    assert one == other
    assert hash(one) == hash(other)
    hash(one)
    assert replace(one, name="other") != one
    assert hash(replace(one, name="other")) != hash(one)


def test_fp8_halves_the_cache() -> None:
    model = _find("llama-3.1-8b")
    plain = Setup("0.32.0")
    assert kv_cache.bytes_per_token(model, plain, 0) == 131_072
    assert kv_cache.bytes_per_token(model, memory.with_fp8_cache(plain), 0) == 65_536


@pytest.mark.parametrize(
    ("tensor", "each"), [(1, 131_072), (2, 65_536), (8, 16_384), (16, 16_384), (32, 16_384)]
)
def test_more_ranks_than_heads_copy_the_cache(tensor: int, each: int) -> None:
    setup = Setup("0.32.0", tensor_parallel_size=tensor)
    assert kv_cache.bytes_per_token(_find("llama-3.1-8b"), setup, 0) == each


def test_latent_attention_is_whole_on_every_rank() -> None:
    model = _find("deepseek-v3")
    for tensor in (1, 8):
        setup = Setup("0.32.0", tensor_parallel_size=tensor)
        assert kv_cache.bytes_per_token(model, setup, 0) == 70_272


@pytest.mark.parametrize(
    ("layers", "stages", "counts"),
    [(62, 4, (15, 16, 16, 15)), (80, 2, (40, 40)), (61, 2, (31, 30)), (7, 4, (2, 2, 2, 1))],
)
def test_uneven_stages(layers: int, stages: int, counts: tuple[int, ...]) -> None:
    assert layer_counts(layers, stages) == counts
    with pytest.raises(ValueError, match="stages"):
        layer_counts(layers, stages, (1, layers - 2))


@pytest.mark.parametrize(
    ("seqs", "full", "all_sizes", "largest"),
    [(256, 35, 51, 512), (64, 11, 19, 128), (128, 19, 35, 256), (8, 4, 5, 16)],
)
def test_graph_sizes_are_those_of_the_logs(
    seqs: int, full: int, all_sizes: int, largest: int
) -> None:
    """ "Profiling CUDA graph memory: PIECEWISE=51 (largest=512), FULL=35 (largest=256)"."""
    setup = Setup("0.22.1", max_num_seqs=seqs, max_num_batched_tokens=16384)
    sizes = graph_sizes(setup, 9)
    assert (len(sizes), max(sizes)) == (all_sizes, largest)
    assert len([size for size in sizes if size <= seqs]) == full


def test_eager_needs_no_graphs_and_leaves_more() -> None:
    model, card = _find("llama-3.1-8b"), [_CARD]
    graphs = memory.estimate(model, card, Setup("0.32.0"))
    eager = memory.estimate(model, card, Setup("0.32.0", enforce_eager=True))
    assert eager.ranks[0].graphs_gib == 0
    assert eager.kv_cache_tokens > graphs.kv_cache_tokens


def test_the_smallest_rank_decides_for_all() -> None:
    model = _find("llama-3.1-8b")
    setup = Setup("0.32.0", pipeline_parallel_size=2)
    alone = memory.estimate(model, [_card(16)] * 2, setup)
    mixed = memory.estimate(model, [_card(80), _card(16)], setup)
    assert mixed.kv_cache_tokens == alone.kv_cache_tokens
    assert mixed.fullest == mixed.ranks[1]


def test_a_card_in_use_is_refused_with_the_share_that_is_left() -> None:
    model = _find("llama-3.2-1b")
    desktop = replace(_CARD, memory_used_gib=3.0)
    refusal = memory.estimate(model, [desktop], Setup("0.32.0")).refusal
    assert refusal is not None
    assert refusal.kind == "in-use"
    assert "gpu_memory_utilization 0.86" in refusal.instead
    lower = Setup("0.32.0", gpu_memory_utilization=0.86)
    assert memory.estimate(model, [desktop], lower).fits


def test_a_cache_set_by_hand_is_taken_as_it_is() -> None:
    model = _find("llama-3.1-8b")
    setup = Setup("0.32.0", kv_cache_memory_bytes=4 * GIB)
    planned = memory.estimate(model, [_CARD], setup)
    assert planned.ranks[0].kv_cache_gib == 4
    assert planned.kv_cache_tokens == 32_768


def test_a_cache_set_by_hand_must_fit_the_card() -> None:
    setup = Setup("0.32.0", kv_cache_memory_bytes=8 * GIB)
    refusal = memory.estimate(_find("llama-3.1-8b"), [_CARD], setup).refusal
    assert refusal is not None
    assert "with the KV cache that was set" in refusal.reason
    least = int(refusal.instead.removeprefix("kv_cache_memory_bytes "))
    assert memory.estimate(
        _find("llama-3.1-8b"), [_CARD], replace(setup, kv_cache_memory_bytes=least)
    ).fits


def _card(gib: float) -> Device:
    return replace(_CARD, memory_gib=gib, compute_capability=_HOPPER)


def _copied(model: Model) -> int:
    """Bytes of what every rank holds whole, and of key/value heads that are copied."""
    matrices = [m for layer in model.layers for m in layer.matrices] + list(model.other_weights)
    whole = sum(m.parameters for m in matrices if m.split in ("none", "kv-heads"))
    padded = 0.1 * sum(m.parameters for m in matrices if m.copies > 1 and m.format.bits == 4)
    return int(2 * whole + padded) + model.rotary_bytes
