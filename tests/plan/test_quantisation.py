"""Formats: as configs declare them, as cards hold them, and which cards run them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from preflight.errors import UsageError
from preflight.plan import divisible, formats, lookup
from preflight.plan.cards import parse
from preflight.plan.fields import Fields
from preflight.plan.formats import BF16, FP8, FP8_BLOCK, INT8, MXFP4, NVFP4, Support
from preflight.plan.ignored import names
from preflight.plan.quantisation import quantisation
from preflight.plan.reading import read
from preflight.plan.shapes import Format, Setup

_CT_WEIGHTS = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128}
_PROJ = "layers.3.self_attn.q_proj"


def _compressed(weights: dict[str, Any], *, activations: bool = False) -> dict[str, Any]:
    group: dict[str, Any] = {"targets": ["Linear"], "weights": weights}
    if activations:
        group["input_activations"] = {"num_bits": 8}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}}


@pytest.mark.parametrize(
    ("config", "format"),
    [
        ({"quant_method": "fp8"}, FP8),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, FP8_BLOCK),
        ({"quant_method": "fbgemm_fp8"}, FP8),
        ({"quant_method": "AWQ", "bits": 4}, formats.integer("awq", 4, 128, zeros=True)),
        ({"quant_method": "awq", "w_bit": 4, "q_group_size": 64, "zero_point": False},
         formats.integer("awq", 4, 64, zeros=False)),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1},
         formats.integer("gptq", 8, -1, zeros=False)),
        ({"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": True, "sym": False},
         formats.integer("gptq", 4, 32, zeros=True, order=True)),
        ({"quant_method": "auto-round", "bits": 4, "group_size": 128},
         formats.integer("gptq", 4, 128, zeros=False)),
        (_compressed({"num_bits": 8, "type": "float", "strategy": "channel"}), FP8),
        (_compressed({"num_bits": 8, "type": "float", "strategy": "block"}), FP8_BLOCK),
        (_compressed({"num_bits": 8, "type": "int"}, activations=True), INT8),
        (_compressed({"num_bits": 8, "type": "int"}),
         formats.integer("int8", 8, -1, zeros=False)),
        (_compressed({**_CT_WEIGHTS, "symmetric": True}),
         formats.integer("int4", 4, 128, zeros=False)),
        (_compressed({**_CT_WEIGHTS, "symmetric": False}),
         formats.integer("int4", 4, 128, zeros=True)),
        (_compressed({"num_bits": 4, "type": "float", "group_size": 16}, activations=True), NVFP4),
        (_compressed({"num_bits": 4, "type": "float", "group_size": 32}, activations=True), MXFP4),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, FP8),
        ({"quant_algo": "NVFP4"}, NVFP4),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, formats.NF4),
    ],
)  # fmt: skip
def test_a_declared_format(config: dict[str, Any], format: Format) -> None:
    found = quantisation(Fields(config, "model"))
    assert found.of(_PROJ) == format
    assert found.of("lm_head") == BF16


def test_experts_alone_are_mxfp4_and_routers_never_are() -> None:
    model = lookup.find("gpt-oss-20b")
    by_name = {m.name: m.format for m in model.layers[0].matrices}
    assert by_name["mlp.experts.0.up_proj"] == MXFP4
    assert by_name["self_attn.q_proj"] == by_name["mlp.gate"] == BF16


def test_the_head_is_quantised_only_where_it_is_said() -> None:
    said = Fields({"quant_method": "gptq", "bits": 4, "lm_head": True}, "model")
    assert quantisation(said).of("lm_head").bits == 4
    named = _compressed(_CT_WEIGHTS)
    named["config_groups"]["group_1"] = {
        "targets": ["re:.*lm_head"],
        "weights": {"num_bits": 8, "type": "float"},
    }
    assert quantisation(Fields(named, "model")).of("lm_head") == FP8


def test_several_groups_each_take_their_layers() -> None:
    config = _compressed({"num_bits": 8, "type": "float"})
    config["config_groups"]["mlp"] = {
        "targets": [r"re:.*mlp\.(gate|up|down)_proj$"],
        "weights": {"num_bits": 4, "type": "float", "group_size": 16},
        "input_activations": {"num_bits": 4},
    }
    found = quantisation(Fields(config, "model"))
    assert found.of(_PROJ) == FP8
    assert found.of("layers.3.mlp.up_proj") == NVFP4


@pytest.mark.parametrize(
    ("listed", "name", "is_taken"),
    [
        ("model.layers.3.self_attn.q_proj", _PROJ, True),
        ("model.language_model.layers.3.self_attn.q_proj", _PROJ, True),
        ("model.layers.30.self_attn.q_proj", _PROJ, False),
        ("model.layers.3", _PROJ, True),
        ("self_attn", _PROJ, True),
        ("gate", "layers.0.mlp.gate", True),
        ("gate", "layers.0.mlp.gate_proj", False),
        ("model.layers.0.mlp.gate", "layers.0.mlp.gate_proj", False),
        ("model.layers.*.self_attn*", _PROJ, True),
        ("*linear_attn*", _PROJ, False),
        ("re:.*self_attn.*", _PROJ, True),
        (r"re:model\.layers\.[0-4]\..*", _PROJ, True),
        (r"re:.*layers\.(0|1)\.mlp.*", "layers.1.mlp.up_proj", True),
        (r"re:.*layers\.(0|1)\.mlp.*", "layers.11.mlp.up_proj", False),
        ("visual", _PROJ, False),
        ("model.visual.layers.3.self_attn.q_proj", _PROJ, False),
        ("lm_head", "lm_head", True),
    ],
)
def test_a_list_of_layers(listed: str, name: str, is_taken: bool) -> None:
    assert names([listed]).take(name) is is_taken


def test_a_pattern_left_out_is_told() -> None:
    config = {"quant_method": "fp8", "ignore": ["re:(a+)+", "lm_head"]}
    (note,) = quantisation(Fields(config, "model")).notes
    assert note.startswith("1 patterns of layers left in 16 bit could not be read")


def test_an_unknown_method_is_counted_as_16_bit_and_told() -> None:
    config = {**lookup_config(), "quantization_config": {"quant_method": "quark"}}
    model = read(json.dumps(config), "model")
    assert model.format == BF16
    assert "'quark' is not known here" in model.notes[0]


@pytest.mark.parametrize(
    ("config", "dtype"),
    [
        ({"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}, "fp8"),
        ({**_compressed(_CT_WEIGHTS), "kv_cache_scheme": {"type": "float", "num_bits": 8}}, "fp8"),
        ({**_compressed(_CT_WEIGHTS), "kv_cache_scheme": None}, "auto"),
        ({"quant_method": "fp8"}, "auto"),
    ],
)
def test_the_cache_that_a_checkpoint_asks_for(config: dict[str, Any], dtype: str) -> None:
    assert quantisation(Fields(config, "model")).kv_cache_dtype == dtype


@pytest.mark.parametrize(
    ("format", "bytes_each"),
    [
        (BF16, 2),
        (FP8, 1 + 4 / 8192),
        (FP8_BLOCK, 1 + 4 / 16384),
        (formats.integer("awq", 4, 128, zeros=True), 0.51953125),
        (formats.integer("gptq", 4, 128, zeros=False), 0.515625),
        (formats.integer("gptq", 4, 32, zeros=True), 0.578125),
        (MXFP4, 0.53125),
        (NVFP4, 0.5625),
        (formats.NF4, 0.5625),
    ],
)
def test_bytes_of_a_parameter(format: Format, bytes_each: float) -> None:
    assert formats.bytes_of(format, 8192, 8192) / 8192**2 == pytest.approx(bytes_each, rel=1e-6)


@pytest.mark.parametrize(
    ("format", "capability", "vllm", "how", "kernel"),
    [
        (BF16, (7, 5), "0.32.0", "native", ""),
        (BF16, (7, 0), "0.32.0", "none", ""),
        (FP8, (8, 9), "0.32.0", "native", ""),
        (FP8, (8, 6), "0.32.0", "unpacked", "Marlin"),
        (FP8, (7, 5), "0.32.0", "unpacked", "Marlin"),
        (INT8, (8, 6), "0.32.0", "native", ""),
        (INT8, (9, 0), "0.32.0", "native", ""),
        (INT8, (10, 0), "0.32.0", "none", ""),
        (INT8, (12, 0), "0.32.0", "none", ""),
        (formats.INT8_WEIGHT, (12, 0), "0.32.0", "unpacked", "Marlin"),
        (MXFP4, (7, 5), "0.32.0", "none", ""),
        (MXFP4, (8, 0), "0.32.0", "unpacked", "Marlin"),
        (MXFP4, (9, 0), "0.32.0", "unpacked", "Triton"),
        (MXFP4, (10, 0), "0.32.0", "native", ""),
        (NVFP4, (9, 0), "0.32.0", "unpacked", "Marlin"),
        (NVFP4, (12, 0), "0.32.0", "native", ""),
        (formats.NVFP4_WEIGHT, (12, 0), "0.32.0", "unpacked", "Marlin"),
        (formats.integer("awq", 4, 128, zeros=True), (8, 9), "0.32.0", "unpacked", "Marlin"),
        (formats.integer("awq", 4, 128, zeros=True), (9, 0), "0.32.0", "unpacked", "Machete"),
        (formats.NF4, (8, 9), "0.27.0", "unpacked", "bitsandbytes"),
        (formats.NF4, (8, 9), "0.28.0", "none", ""),
    ],
)
def test_what_a_card_makes_of_a_format(
    format: Format, capability: tuple[int, int], vllm: str, how: str, kernel: str
) -> None:
    found = formats.support(format, capability, vllm)
    assert (found.how, found.kernel) == (how, kernel)
    assert bool(found.reason) is (how == "none")
    assert isinstance(found, Support)


def test_zero_points_take_16_bits_on_hopper() -> None:
    """70B AWQ on an H100 loads 37.88 GiB; its file has 37.03."""
    awq = formats.integer("awq", 4, 128, zeros=True)
    assert formats.held(awq, (9, 0)).group_bytes == 4
    assert formats.held(awq, (8, 9)) == awq
    symmetric = replace(awq, has_zeros=False, group_bytes=2)
    assert formats.held(symmetric, (9, 0)) == symmetric


def lookup_config() -> dict[str, Any]:
    return {
        "model_type": "llama",
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 4,
        "num_attention_heads": 16,
        "vocab_size": 32000,
    }


def test_a_card_without_fp8_is_refused_the_cache_that_a_checkpoint_asks_for() -> None:
    scheme = {"type": "float", "num_bits": 8}
    weights = {**_compressed({"num_bits": 4, "type": "int", "group_size": 128})}
    config = {**lookup_config(), "quantization_config": {**weights, "kv_cache_scheme": scheme}}
    model = read(json.dumps(config), "model")
    turing, ampere = parse("RTX 2080 Ti"), parse("RTX 3090")
    refused = divisible.refusal(model, turing, Setup("0.32.0"))
    assert refused is not None
    assert "fp8 KV cache needs compute capability 8.0" in refused.reason
    assert divisible.refusal(model, ampere, Setup("0.32.0")) is None
    held = Setup("0.32.0", kv_cache_dtype="bfloat16")
    assert divisible.refusal(model, turing, held) is None


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"quant_method": "zzz"}, "vLLM 0.32 has no quantisation 'zzz'"),
        ({"quant_method": "exl2"}, "vLLM 0.32 has no quantisation 'exl2'"),
        ({"quant_method": "gguf"}, "vLLM 0.32 has no quantisation 'gguf'"),
        ({"quant_method": "awq", "bits": 8, "group_size": 128}, "no awq of 8 bits"),
        ({"quant_method": "gptq", "bits": 5, "group_size": 128}, "no gptq of 5 bits"),
    ],
)
def test_what_vllm_does_not_run_is_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        quantisation(Fields(config, "model"))
