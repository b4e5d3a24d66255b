"""Architectures: what each config is, layer by layer."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from preflight.catalog.models import models
from preflight.errors import UsageError
from preflight.plan import lookup
from preflight.plan.kv_cache import bytes_per_token
from preflight.plan.reading import read
from preflight.plan.shapes import GIB, Model, Setup
from preflight.plan.weights import rank_bytes, stored_bytes
from tests.plan.plain import PLAIN

_CONFIGS = Path(__file__).parent / "configs"


def _read(**changes: Any) -> Model:
    return read(json.dumps({**PLAIN, **changes}), "model")


# Parameters (10^9), bytes of KV cache a token in 16 bit, and GiB of the checkpoint, as published.
@pytest.mark.parametrize(
    ("name", "parameters_e9", "kv_bytes", "gib"),
    [
        ("llama-3.1-8b", 8.030, 131_072, 14.96),
        ("llama-3.1-8b-fp8", 8.030, 131_072, 8.46),
        ("llama-3.1-8b-awq", 8.030, 131_072, 5.33),
        ("llama-3.1-70b", 70.55, 327_680, 131.4),
        ("llama-3.1-70b-fp8", 70.55, 327_680, 67.7),
        ("llama-3.1-70b-awq", 70.55, 327_680, 37.0),
        ("llama-3.1-70b-nvfp4", 70.55, 327_680, 39.8),
        ("llama-3.1-405b", 405.8, 516_096, 756),
        ("llama-3.1-405b-awq", 405.8, 516_096, 202),
        ("mixtral-8x7b", 46.70, 131_072, 87.0),
        ("mixtral-8x7b-awq", 46.70, 131_072, 23.0),
        ("mixtral-8x22b", 140.6, 229_376, 261.9),
        ("mixtral-8x22b-awq", 140.6, 229_376, 68.6),
        ("qwen2.5-7b", 7.616, 57_344, 14.2),
        ("qwen2.5-32b", 32.76, 262_144, 61.0),
        ("qwen2.5-72b", 72.71, 327_680, 135.4),
        ("qwen2.5-72b-awq", 72.95, 327_680, 38.7),
        ("qwen3-8b", 8.19, 147_456, 15.3),
        ("qwen3-30b-a3b", 30.53, 98_304, 56.9),
        ("qwen3-30b-a3b-fp8", 30.53, 98_304, 29.0),
        ("qwen3-32b", 32.76, 262_144, 61.0),
        ("qwen3-235b-a22b", 235.1, 192_512, 437.9),
        ("qwen3-235b-a22b-nvfp4", 235.1, 192_512, 124.8),
        ("gpt-oss-20b", 20.91, 49_152, 12.80),
        ("gpt-oss-120b", 116.8, 73_728, 60.7),
        ("gemma-3-12b", 12.2, 393_216, 22.7),
        ("gemma-3-27b", 27.4, 507_904, 51.1),
        ("mistral-small-24b", 23.57, 163_840, 43.9),
        ("phi-4", 14.66, 204_800, 27.3),
        ("deepseek-v3", 671, 70_272, 626.7),
        ("kimi-k2", 1026, 70_272, 958),
        ("kimi-k2-thinking", 1026, 70_272, 550),
        ("qwen3-next-80b-a3b", 79.7, 24_576, 148.4),
        ("glm-4.5-air", 106.9, 188_416, 199),
        ("minimax-m2", 228.7, 253_952, 214),
        ("nemotron-nano-9b", 8.89, 16_384, 16.6),
        ("nemotron-3-nano-30b", 31.58, 6_144, 58.8),
        ("qwen3-vl-8b", 8.767, 147_456, 16.3),
        ("qwen3.5-27b", 27.36, 65_536, 50.95),
        ("qwen3.5-35b-a3b", 35.11, 20_480, 65.4),
        ("gemma-4-26b-a4b", 25.81, 225_280, 48.05),
        ("gemma-4-31b", 31.27, 901_120, 58.4),
        ("llama-4-scout", 107.8, 196_608, 200.7),
        ("deepseek-v3.2", 671.9, 78_324, 627.7),
        ("glm-4.7-flash", 29.94, 54_144, 55.8),
        ("kimi-linear-48b", 49.12, 8_064, 91.5),
        ("granite-4.0-h-small", 32.21, 16_384, 60.0),
        ("seed-oss-36b", 36.15, 262_144, 67.3),
        ("command-a", 111.06, 262_144, 206.9),
    ],
)
def test_a_published_model(name: str, parameters_e9: float, kv_bytes: int, gib: float) -> None:
    model = lookup.find(name)
    assert model.parameters / 1e9 == pytest.approx(parameters_e9, rel=0.003)
    plain = Setup("0.32.0", kv_cache_dtype="bfloat16")
    assert bytes_per_token(model, plain, 0) == kv_bytes
    assert stored_bytes(model) / GIB == pytest.approx(gib, rel=0.005)
    assert model.is_known


def test_every_model_of_the_catalogue_is_known() -> None:
    read_all = [lookup.find(entry.name) for entry in models()]
    assert [model.name for model in read_all if not model.is_known] == []
    assert len({model.name for model in read_all}) == len(read_all)


@pytest.mark.parametrize(
    ("name", "used_e9"),
    [
        ("mixtral-8x7b", 12.9),
        ("mixtral-8x22b", 39),
        ("qwen3-30b-a3b", 3.3),
        ("qwen3-235b-a22b", 22.2),
        ("gpt-oss-120b", 5.1),
        ("deepseek-v3", 37),
        ("kimi-k2", 32),
    ],
)
def test_a_mixture_uses_a_part(name: str, used_e9: float) -> None:
    assert lookup.find(name).parameters_used / 1e9 == pytest.approx(used_e9, rel=0.1)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("llama-3.1-8b", {"full": 32}),
        ("gemma-3-27b", {"full": 10, "sliding": 52}),
        ("gpt-oss-20b", {"full": 12, "sliding": 12}),
        ("deepseek-v3", {"mla": 61}),
        ("qwen3-next-80b-a3b", {"full": 12, "state": 36}),
        ("nemotron-nano-9b", {"full": 4, "state": 27, "none": 25}),
    ],
)
def test_what_layers_cache(name: str, kinds: dict[str, int]) -> None:
    layers = lookup.find(name).layers
    assert Counter(layer.cache.kind if layer.cache else "none" for layer in layers) == kinds


def test_latent_attention_widens_keys_and_values_and_keeps_both_halves() -> None:
    by_name = {m.name: m for m in lookup.find("deepseek-v3").layers[0].matrices}
    widened = by_name["self_attn.kv_b_proj"]
    assert (widened.inputs, widened.outputs) == (512, 128 * (128 + 128))
    assert widened.derived_bytes == 2 * 512 * 128 * 256
    assert by_name["self_attn.o_proj"].inputs == 128 * 128
    assert by_name["self_attn.kv_a_proj_with_mqa"].outputs == 512 + 64


def test_sliding_layers_are_listed_or_counted() -> None:
    listed = ["sliding_attention", "full_attention"] * 2
    assert _kinds(_read(sliding_window=512, layer_types=listed)) == ["sliding", "full"] * 2
    assert _kinds(_read(sliding_window=512)) == ["sliding"] * 4
    assert _kinds(_read(sliding_window=512, sliding_window_pattern=2)) == ["sliding", "full"] * 2
    assert _kinds(_read(sliding_window=512, use_sliding_window=False)) == ["full"] * 4
    assert _kinds(_read(sliding_window=None)) == ["full"] * 4


def test_dense_layers_of_a_mixture() -> None:
    sparse = {"num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 256}
    assert _experts(_read(**sparse)) == [4, 4, 4, 4]
    assert _experts(_read(**sparse, first_k_dense_replace=1)) == [0, 4, 4, 4]
    assert _experts(_read(**sparse, mlp_only_layers=[2])) == [4, 4, 0, 4]
    assert _experts(_read(**sparse, decoder_sparse_step=2)) == [0, 4, 0, 4]


def test_what_a_gemma_config_leaves_out_is_what_its_class_assumes() -> None:
    text = {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34}
    config = {"model_type": "gemma3", "text_config": {**text, "model_type": "gemma3_text"}}
    model = read(json.dumps(config), "gemma-3-4b")
    assert (model.query_heads, model.kv_heads, model.head) == (8, 4, None)
    assert model.parameters / 1e9 == pytest.approx(3.88, rel=0.005)


@pytest.mark.parametrize(
    ("name", "parameters_e9"), [("qwen3.5-27b", 27.3), ("qwen3.5-35b-a3b", 35.1)]
)
def test_a_hybrid_with_an_image_encoder(name: str, parameters_e9: float) -> None:
    model = read((_CONFIGS / f"{name}.json").read_bytes(), name)
    assert model.parameters / 1e9 == pytest.approx(parameters_e9, rel=0.01)
    assert model.encoder is not None
    seeing, reading_only = (
        rank_bytes(model, Setup("0.32.0", language_model_only=text_only), 0, (9, 0))
        for text_only in (False, True)
    )
    assert 0.6e9 < seeing - reading_only < 1.4e9


def test_an_unknown_architecture_says_that_it_is_computed_from_general_fields() -> None:
    model = _read(model_type="wondernet")
    assert not model.is_known
    assert "'wondernet' is not known here" in model.notes[0]
    assert model.parameters == _read().parameters


@pytest.mark.parametrize(
    ("name", "parameters_e9"),
    [
        ("llama-4-scout", 109),
        ("mistral-small-3.1", 24.0),
        ("qwen2.5-vl-7b", 8.29),
        ("phi-3.5-mini", 3.82),
        ("deepseek-v2-lite", 15.7),
        ("gemma-2-9b", 9.24),
    ],
)
def test_a_model_outside_the_catalogue(name: str, parameters_e9: float) -> None:
    config = json.loads((_CONFIGS / "others.json").read_text())[name]
    model = read(json.dumps(config), name)
    assert model.parameters / 1e9 == pytest.approx(parameters_e9, rel=0.01)
    assert model.is_known


def test_llama_4_chunks_three_layers_of_four() -> None:
    config = json.loads((_CONFIGS / "others.json").read_text())["llama-4-scout"]
    kinds = Counter(_kinds(read(json.dumps(config), "llama-4-scout")))
    assert kinds == {"full": 12, "sliding": 36}


def test_an_mlp_that_is_not_told_is_four_times_as_wide() -> None:
    gpt2 = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
    model = read(json.dumps(gpt2), "gpt2")
    assert {layer.mlp_width for layer in model.layers} == {3072}
    with pytest.raises(UsageError, match="intermediate_size is not there"):
        read(json.dumps({**gpt2, "model_type": "llama"}), "gpt2")


def test_layers_of_an_unknown_architecture_count_as_full_attention() -> None:
    model = _read(model_type="wondernet", layer_types=["wonder", "full_attention"] * 2)
    assert _kinds(model) == ["full"] * 4


def test_a_state_space_hybrid_by_its_other_names() -> None:
    mamba = {
        "mamba_n_heads": 16,
        "mamba_d_head": 64,
        "mamba_d_state": 128,
        "mamba_n_groups": 1,
        "mamba_d_conv": 4,
    }
    model = _read(model_type="other", layer_types=["mamba", "attention"] * 2, **mamba)
    assert _kinds(model) == ["state", "full"] * 2
    state = next(layer.cache for layer in model.layers if layer.cache)
    assert state.state_bytes == (1024 + 2 * 128) * 3 * 2 + 1024 * 128 * 2


@pytest.mark.parametrize(
    ("scaling", "longest"),
    [
        (None, 8192),
        ({"rope_type": "llama3", "factor": 8.0}, 8192),
        ({"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}, 16384),
        ({"rope_type": "linear", "factor": 2.0}, 16384),
    ],
)
def test_the_model_s_own_limit(scaling: dict[str, Any] | None, longest: int) -> None:
    assert _read(rope_scaling=scaling).max_model_len == longest


def _kinds(model: Model) -> list[str]:
    return [layer.cache.kind for layer in model.layers if layer.cache]


def _experts(model: Model) -> list[int]:
    return [layer.experts for layer in model.layers]
