"""Groups, blocks and tokens of a cache, as vLLM 0.32 itself makes them of the same layers.

The figures were asked of its own get_kv_cache_groups(), get_kv_cache_config_from_groups() and
get_kv_cache_capacity(): 20 GiB of cache, a length of 32,768, blocks of 16, steps of 4,096 tokens,
scheduling ahead off (one batch in flight), prefix caching on.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.plan import cards, kv_cache, lookup, memory
from preflight.plan.reading import read
from preflight.plan.shapes import GIB, Model, Setup

_CONFIGS = Path(__file__).parent / "configs"
_LENGTH = 32_768
_SLIDING = {
    "model_type": "mistral",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 32000,
    "sliding_window": 4096,
    "max_position_embeddings": 32768,
}


@pytest.mark.parametrize(
    ("name", "tensor", "groups", "blocks", "tokens"),
    [
        ("llama-3.1-8b", 1, 1, 10240, 163_840),
        ("llama-3.1-8b", 2, 1, 20480, 327_680),
        ("gpt-oss-20b", 1, 2, 54613, 773_695),
        ("gpt-oss-20b", 2, 2, 109226, 1_547_391),
        ("gpt-oss-120b", 1, 2, 36408, 515_787),
        ("gemma-3-27b", 1, 7, 16384, 135_095),
        ("gemma-3-27b", 2, 7, 32768, 270_191),
        ("gemma-3-12b", 1, 6, 20480, 183_708),
        ("deepseek-v3", 1, 1, 19099, 305_584),
        ("deepseek-v3", 2, 1, 19099, 305_584),
        ("qwen3-next-80b-a3b", 1, 4, 1606, 785_453),
        ("qwen3-next-80b-a3b", 2, 4, 3212, 1_570_907),
        ("nemotron-nano-9b", 1, 8, 999, 839_364),
        ("nemotron-nano-9b", 2, 8, 1998, 1_678_729),
        ("qwen3.5-27b", 1, 4, 417, 284_672),
        ("qwen3.5-27b", 2, 4, 835, 570_026),
        ("sliding", 1, 1, 10240, 654_082),
    ],
)
def test_as_vllm_makes_them(
    name: str, tensor: int, groups: int, blocks: int, tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kv_cache, "in_flight_tokens", lambda setup: setup.max_num_batched_tokens)
    setup = Setup("0.32.0", tensor_parallel_size=tensor, max_num_batched_tokens=4096)
    pool = kv_cache.pool(_model(name), setup, 0)
    assert (len(pool.groups), pool.blocks(20 * GIB)) == (groups, blocks)
    assert kv_cache.tokens(_model(name), setup, blocks, _LENGTH)[0] == tokens


@pytest.mark.parametrize(
    ("vllm", "stages", "batches"),
    [("0.25.1", 1, 1), ("0.25.1", 4, 1), ("0.26.0", 1, 2), ("0.32.0", 2, 2), ("0.32.0", 4, 4)],
)
def test_batches_in_flight(vllm: str, stages: int, batches: int) -> None:
    setup = Setup(vllm, pipeline_parallel_size=stages, max_num_batched_tokens=2048)
    assert kv_cache.in_flight_tokens(setup) == 2048 * batches


def test_what_is_in_flight_counts_for_sliding_layers_alone() -> None:
    for name, is_less in (("gemma-3-27b", True), ("llama-3.1-8b", False)):
        older, newer = (
            kv_cache.tokens(_model(name), Setup(vllm), 10_000, _LENGTH)[0]
            for vllm in ("0.25.1", "0.26.0")
        )
        assert (newer < older) is is_less


def test_the_way_tokens_are_counted_changed() -> None:
    """Up to 0.20.1 blocks were shared out among groups as if all were at full length."""
    model = _model("gemma-3-27b")
    older, newer = (
        kv_cache.tokens(model, Setup(v), 10_000, _LENGTH)[0] for v in ("0.20.1", "0.20.2")
    )
    assert older == 10_000 // 7 * 16
    hybrid = _model("qwen3-next-80b-a3b")
    block = next(g.block_tokens for g in kv_cache.pool(hybrid, Setup("0.20.1"), 0).groups)
    assert kv_cache.tokens(hybrid, Setup("0.20.1"), 1000, _LENGTH)[0] == 1000 // 4 * block
    full, sliding = _LENGTH // 16, -(-(1023 + 2048) // 16) + 1
    assert newer == 10_000 * _LENGTH // (full + 6 * sliding)


@pytest.mark.parametrize(
    ("name", "vllm", "prefixes", "blocks"),
    [
        ("qwen3-next-80b-a3b", "0.25.0", True, 2),
        ("qwen3-next-80b-a3b", "0.32.0", True, 2),
        ("qwen3-next-80b-a3b", "0.32.0", False, 1),
        ("nemotron-nano-9b", "0.32.0", True, 2),
        ("nemotron-nano-9b", "0.31.0", False, 1),
    ],
)
def test_blocks_of_a_state(name: str, vllm: str, prefixes: bool, blocks: int) -> None:
    setup = Setup(vllm, enable_prefix_caching=prefixes)
    states = [g for g in kv_cache.pool(_model(name), setup, 0).groups if g.kind.kind == "state"]
    assert {group.blocks_for(length, 0) for group in states for length in (1, 99_999)} == {blocks}


def test_mamba_kept_a_state_for_each_block() -> None:
    groups = kv_cache.pool(_model("nemotron-nano-9b"), Setup("0.31.0"), 0).groups
    state = next(group for group in groups if group.kind.kind == "state")
    assert state.blocks_for(10 * state.block_tokens, 0) == 10


def test_without_the_hybrid_manager_every_layer_is_at_full_length() -> None:
    setup = Setup("0.32.0", hybrid_kv_cache_manager=False)
    pool = kv_cache.pool(_model("gemma-3-27b"), setup, 0)
    assert (len(pool.groups), pool.block_bytes) == (1, 62 * 16 * 2 * 16 * 128 * 2)


def test_a_stage_keeps_its_own_layers_of_each_group() -> None:
    model, setup = _model("gemma-3-27b"), Setup("0.32.0", pipeline_parallel_size=2)
    pools = [kv_cache.pool(model, setup, stage) for stage in (0, 1)]
    assert {len(pool.groups) for pool in pools} == {7}
    assert all(
        pool.block_bytes < kv_cache.pool(model, Setup("0.32.0"), 0).block_bytes for pool in pools
    )


def test_a_stage_that_caches_nothing_sets_no_limit() -> None:
    model = replace(
        _model("nemotron-nano-9b"),
        layers=tuple(sorted(_model("nemotron-nano-9b").layers, key=lambda layer: not layer.cache)),
    )
    setup = Setup("0.32.0", pipeline_parallel_size=8)
    last = kv_cache.pool(model, setup, 7)
    assert last.block_bytes == 0
    planned = memory.estimate(model, cards.parse("8x RTX 4090"), setup)
    assert planned.fits
    assert planned.kv_cache_tokens > 0


@pytest.mark.parametrize(
    ("name", "context", "expected"),
    [
        ("llama-3.1-8b", 1000, 1000 * 131_072),
        ("gemma-3-27b", 10_000, (10 * 10_000 + 52 * 1024) * 8192),
        ("gemma-3-27b", 500, 62 * 500 * 8192),
        ("deepseek-v3", 1000, 1000 * 70_272),
    ],
)
def test_what_a_token_reads(name: str, context: int, expected: int) -> None:
    assert kv_cache.read_bytes(_model(name), Setup("0.32.0"), 0, context) == expected


@pytest.mark.parametrize(
    ("dtype", "bytes_each"),
    [
        ("auto", 2),
        ("bfloat16", 2),
        ("fp8", 1),
        ("fp8_e5m2", 1),
        ("nvfp4", 0.5625),
        ("fp8_per_token_head", 1 + 4 / 128),
        ("int8_per_token_head", 1 + 4 / 128),
        ("int4_per_token_head", 0.5 + 4 / 128),
    ],
)
def test_bytes_of_a_cached_number(dtype: str, bytes_each: float) -> None:
    setup = Setup("0.32.0", kv_cache_dtype=dtype)
    found = kv_cache.bytes_per_token(_model("llama-3.1-8b"), setup, 0)
    assert found == pytest.approx(131_072 / 2 * bytes_each)


@pytest.mark.parametrize(("dtype", "each"), [("auto", 1152), ("fp8", 576), ("fp8_ds_mla", 656)])
def test_bytes_of_a_latent_token(dtype: str, each: int) -> None:
    setup = Setup("0.32.0", kv_cache_dtype=dtype)
    assert kv_cache.bytes_per_token(_model("deepseek-v3"), setup, 0) == 61 * each


def test_the_longest_request_leaves_the_null_block() -> None:
    model = replace(_model("llama-3.1-8b"), max_model_len=1 << 20)
    setup = Setup("0.32.0")
    block = kv_cache.pool(model, setup, 0).block_bytes
    assert kv_cache.longest(model, setup, 0, 10 * block) == 9 * 16
    assert kv_cache.longest(model, setup, 0, block) == 0
    assert kv_cache.longest(model, setup, 0, -1.0) == 0


def _model(name: str) -> Model:
    if name == "sliding":
        return read(json.dumps(_SLIDING), name)
    path = _CONFIGS / f"{name}.json"
    return read(path.read_bytes(), name) if path.exists() else lookup.find(name)
