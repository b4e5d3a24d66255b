"""Architectures beyond the catalogue's: parameters and what is cached, against what is published
of each, or what the class of its name holds when it is built."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import UsageError
from preflight.plan import kv_cache
from preflight.plan.kv_cache import bytes_per_token
from preflight.plan.reading import read
from preflight.plan.shapes import Model, Setup
from preflight.plan.weights import rank_bytes, stored_bytes
from tests.plan.plain import PLAIN

_FAMILIES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "configs" / "families.json").read_text()
)
_PLAIN = Setup("0.32.0", kv_cache_dtype="bfloat16")


def _family(name: str) -> Model:
    return read(json.dumps(_FAMILIES[name]), name)


def _read(**changes: Any) -> Model:
    return read(json.dumps({**PLAIN, **changes}), "model")


# parameters (10^9), bytes of keys and values a token in 16 bit, layers by what they cache
@pytest.mark.parametrize(
    ("name", "parameters_e9", "kv_bytes", "kinds"),
    [
        ("granite-4.0-h-small", 32.21, 4 * 4096, {"full": 4, "state": 36}),
        ("granite-4.0-h-micro", 3.191, 4 * 2048, {"full": 4, "state": 36}),
        ("falcon-h1-7b", 7.586, 44 * 1024, {"full": 44, "state": 44}),
        ("jamba-1.5-mini", 51.57, 4 * 4096, {"full": 4, "state": 28}),
        ("lfm2-1.2b", 1.170, 6 * 2048, {"full": 6, "state": 10}),
        ("kimi-linear-48b", 49.12, 7 * 1152, {"mla": 7, "state": 20}),
        ("minimax-m1", 456.1, 10 * 4096, {"full": 10, "state": 70}),
        ("nemotron-nano-9b-v2", 8.888, 4 * 4096, {"full": 4, "state": 27, "none": 25}),
        ("gemma-3n-e4b", 6.835, 20 * 2048, {"full": 4, "sliding": 16, "none": 15}),
        ("bge-m3", 0.568, 0, {"none": 24}),
        ("bge-base", 0.1095, 0, {"none": 12}),
        ("qwen2-vl-7b", 8.291, 28 * 2048, {"full": 28}),
        ("pixtral-12b", 12.68, 40 * 4096, {"full": 40}),
        ("internvl3-8b", 7.94, 28 * 2048, {"full": 28}),
        ("hunyuan-a13b", 80.39, 32 * 4096, {"full": 32}),
        ("ernie-4.5-21b", 21.83, 28 * 2048, {"full": 28}),
        ("glm-4.7-flash", 29.94, 47 * 1152, {"mla": 47}),
        ("dots1", 142.8, 62 * 16384, {"full": 62}),
        ("starcoder2-7b", 7.174, 32 * 2048, {"sliding": 32}),
        ("falcon-7b", 7.217, 32 * 256, {"full": 32}),
        ("glm-4-9b-chat", 9.400, 40 * 1024, {"full": 40}),
        ("internlm2.5-7b", 7.738, 32 * 4096, {"full": 32}),
        ("exaone-4.0-32b", 32.00, 64 * 4096, {"full": 16, "sliding": 48}),
        ("olmo-3-32b", 32.23, 64 * 4096, {"full": 16, "sliding": 48}),
        ("command-a", 111.06, 64 * 4096, {"full": 16, "sliding": 48}),
        ("seed-oss-36b", 36.15, 64 * 4096, {"full": 64}),
        ("smollm3-3b", 3.075, 36 * 2048, {"full": 36}),
        ("phi-4-mini", 3.836, 32 * 4096, {"sliding": 32}),
    ],
)
def test_a_family(name: str, parameters_e9: float, kv_bytes: int, kinds: dict[str, int]) -> None:
    model = _family(name)
    assert model.is_known
    assert model.parameters / 1e9 == pytest.approx(parameters_e9, rel=0.01)
    assert bytes_per_token(model, _PLAIN, 0) == kv_bytes
    assert Counter(one.cache.kind if one.cache else "none" for one in model.layers) == kinds


def test_states_have_the_sizes_that_vllm_gives_them() -> None:
    assert _state("granite-4.0-h-small") == (8192 + 256) * 3 * 2 + 8192 * 128 * 2
    assert _state("falcon-h1-7b") == (3072 + 512) * 3 * 2 + 3072 * 256 * 2
    assert _state("jamba-1.5-mini") == 8192 * 3 * 2 + 8192 * 16 * 2
    assert _state("lfm2-1.2b") == 2048 * 2 * 2
    assert _state("kimi-linear-48b") == 3 * 4096 * 3 * 2 + 4096 * 128 * 4
    assert _state("minimax-m1") == 64 * 128 * 128 * 2


def _state(name: str) -> int:
    return next(
        x.cache.state_bytes for x in _family(name).layers if x.cache and x.cache.state_bytes
    )


def test_latent_attention_beside_states_has_blocks_of_128() -> None:
    groups = kv_cache.pool(_family("kimi-linear-48b"), _PLAIN, 0).groups
    state, token = _state("kimi-linear-48b"), 1152
    assert {group.block_tokens for group in groups} == {-(-state // (128 * token)) * 128}


def test_an_open_limit_is_no_reason_to_refuse_a_model() -> None:
    assert _read(time_step_limit=[0.0, math.inf]).parameters == _read().parameters
    with pytest.raises(UsageError, match="NaN"):
        _read(time_step_limit=[0.0, math.inf, math.nan])
    with pytest.raises(UsageError, match="hidden_size"):
        _read(hidden_size=math.inf)


@pytest.mark.parametrize(
    "listed",
    [
        {"moe_layer_freq": [0, 1, 1, 1]},
        {"mlp_layer_types": ["dense", "sparse", "sparse", "sparse"]},
        {"moe_layers": [1, 2, 3]},
        {"moe_layers_enum": "1,2,3"},
        {"moe_layer_start_index": 1},
        {"num_dense_layers": 1},
    ],
    ids=lambda listed: next(iter(listed)),
)
def test_ways_to_say_which_layers_hold_experts(listed: dict[str, Any]) -> None:
    sparse = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 256}
    assert [layer.experts for layer in _read(**sparse, **listed).layers] == [0, 4, 4, 4]


def test_layers_that_a_search_shaped() -> None:
    attending = {"n_heads_in_group": 8, "no_op": False}
    searched = [
        {"attention": attending, "ffn": {"ffn_mult": 2.625, "no_op": False}},
        {"attention": {"n_heads_in_group": None, "no_op": True}, "ffn": {"ffn_mult": 1.3125}},
        {"attention": attending, "ffn": {"no_op": True}},
    ]
    model = _read(model_type="nemotron-nas", intermediate_size=None, block_configs=searched)
    assert [one.cache.kv_heads if one.cache else 0 for one in model.layers] == [2, 0, 2]
    assert [one.mlp_width for one in model.layers] == [1792, 1024, 0]


def test_sliding_layers_with_heads_of_their_own() -> None:
    model = _read(
        hybrid_layer_pattern=[0, 1, 1, 1],
        sliding_window=128,
        head_dim=192,
        v_head_dim=128,
        num_key_value_heads=4,
        swa_num_key_value_heads=8,
        swa_head_dim=192,
        swa_v_head_dim=128,
    )
    kept = [layer.cache for layer in model.layers if layer.cache]
    assert [(one.kind, one.kv_heads) for one in kept] == [("full", 4), *[("sliding", 8)] * 3]
    assert {(one.head_dim, one.value_dim) for one in kept} == {(192, 128)}
    assert bytes_per_token(model, _PLAIN, 0) == 2 * (192 + 128) * (4 + 3 * 8)


def test_words_for_layers_of_one_mixer_each() -> None:
    words = ["mamba", "moe", "attention", "mlp"]
    by_letters, by_words = (
        _read(
            model_type="nemotron_h",
            mamba_num_heads=16,
            mamba_head_dim=64,
            ssm_state_size=128,
            n_routed_experts=4,
            moe_intermediate_size=256,
            **told,
        )
        for told in ({"hybrid_override_pattern": "ME*-"}, {"layers_block_type": words})
    )
    assert by_letters.layers == by_words.layers
    assert [bool(one.experts) for one in by_words.layers] == [False, True, False, False]


def test_a_model_that_judges_has_no_head() -> None:
    judging = _read(architectures=["LlamaForSequenceClassification"])
    assert judging.head is None
    assert _read(architectures=["LlamaForCausalLM"]).parameters - judging.parameters == 32000 * 1024


def test_text_alone_keeps_what_each_layer_adds_to_a_word() -> None:
    model = _family("gemma-3n-e4b")
    whole, text = (
        rank_bytes(model, Setup("0.32.0", language_model_only=only), 0, (9, 0))
        for only in (False, True)
    )
    assert whole == text > 13e9


def test_each_layer_s_own_algorithm() -> None:
    listed = {
        "model.layers.0.mlp.gate_proj": {"quant_algo": "NVFP4"},
        "model.layers.0.self_attn.q_proj": {"quant_algo": "FP8"},
    }
    declared = {
        "quant_method": "modelopt",
        "quant_algo": "MIXED_PRECISION",
        "quantized_layers": listed,
    }
    first = {m.name: m.format.name for m in _read(quantization_config=declared).layers[0].matrices}
    assert first["mlp.gate_proj"] == "nvfp4"
    assert first["self_attn.q_proj"] == "fp8"
    assert first["mlp.up_proj"] == first["self_attn.k_proj"] == "bf16"


def test_experts_are_found_by_the_names_of_other_families() -> None:
    sparse = {"num_experts": 4, "moe_intermediate_size": 256, "n_shared_experts": 1}
    ignored = ["re:.*shared_experts.*", "model.layers.1.block_sparse_moe.experts.0.w1"]
    declared = {"quant_method": "fp8", "ignore": ignored}
    model = _read(**sparse, quantization_config=declared)
    formats = [{m.name: m.format.name for m in layer.matrices} for layer in model.layers]
    assert {layer["mlp.shared_expert.up_proj"] for layer in formats} == {"bf16"}
    assert [layer["mlp.experts.0.gate_proj"] for layer in formats] == ["fp8", "bf16", "fp8", "fp8"]
    assert formats[1]["mlp.experts.0.up_proj"] == "fp8"


def test_a_cache_scheme_by_name() -> None:
    declared = {"quant_algo": "FP8", "kv_cache_scheme": "FP8"}
    model = _read(quantization_config=declared)
    assert model.kv_cache_dtype == "fp8"
    assert stored_bytes(model) < 0.8 * stored_bytes(_read())


def test_an_encoder_runs_as_many_as_it_is_set_to() -> None:
    model = _family("bge-m3")
    assert kv_cache.tokens(model, _PLAIN, 1 << 40, 512) == (0, 256.0)
    assert any("makes no tokens" in note for note in model.notes)
