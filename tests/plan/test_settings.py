"""vLLM's settings as a release resolves them, and what is refused before a server is asked."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.errors import UsageError
from preflight.plan import cards, divisible, lookup, memory
from preflight.plan.settings import setup
from preflight.plan.shapes import Setup

_8B = lookup.find("llama-3.1-8b")


# vllm/engine/arg_utils.py, get_batch_defaults(), of `vllm serve`
@pytest.mark.parametrize(
    ("gpus", "vllm", "tokens", "seqs"),
    [
        ("RTX 4090", "0.32.0", 2048, 256),
        ("A100 80GB", "0.32.0", 2048, 256),
        ("H100", "0.32.0", 8192, 1024),
        ("H200", "0.32.0", 8192, 1024),
        ("B200", "0.27.0", 8192, 1024),
        ("B200", "0.28.0", 16384, 1024),
        ("H100, RTX 4090", "0.32.0", 2048, 256),
    ],
)
def test_defaults(gpus: str, vllm: str, tokens: int, seqs: int) -> None:
    found = setup(_8B, cards.parse(gpus), vllm_version=vllm)
    assert (found.max_num_batched_tokens, found.max_num_seqs) == (tokens, seqs)
    assert found.gpu_memory_utilization == 0.92
    assert found.max_model_len == 0


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("gpu-memory-utilization", "0.85", "gpu_memory_utilization", 0.85),
        ("max_model_len", "16k", "max_model_len", 16_000),
        ("max-model-len", "16K", "max_model_len", 16_384),
        ("max_model_len", "auto", "max_model_len", 0),
        ("max_model_len", -1, "max_model_len", 0),
        ("max_num_seqs", 8, "max_num_seqs", 8),
        ("enforce_eager", "true", "enforce_eager", True),
        ("enforce-eager", "", "enforce_eager", True),
        ("enforce_eager", False, "enforce_eager", False),
        ("disable_hybrid_kv_cache_manager", "true", "hybrid_kv_cache_manager", False),
        ("enable_prefix_caching", "false", "enable_prefix_caching", False),
        ("kv_cache_dtype", "fp8_e4m3", "kv_cache_dtype", "fp8_e4m3"),
        ("kv_cache_memory_bytes", "4G", "kv_cache_memory_bytes", 4 << 30),
        ("VLLM_PP_LAYER_PARTITION", "12,20", "pp_layer_partition", (12, 20)),
        ("swap_space", "4", "max_num_seqs", 256),
    ],
)
def test_a_setting_of_ones_own(name: str, value: object, field: str, expected: object) -> None:
    found = setup(_8B, cards.parse("RTX 4090"), vllm_version="0.32.0", overrides={name: value})
    assert getattr(found, field) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gpu_memory_utilization", "1.1"),
        ("gpu_memory_utilization", "0"),
        ("gpu_memory_utilization", "nan"),
        ("gpu_memory_utilization", "much"),
        ("max_model_len", "-7"),
        ("max_num_seqs", "0"),
        ("max_num_seqs", "1" * 40),
        ("max_num_batched_tokens", "4.5"),
        ("enforce_eager", "perhaps"),
        ("kv_cache_dtype", "fp7"),
        ("VLLM_PP_LAYER_PARTITION", "12,x"),
    ],
)
def test_a_value_that_vllm_would_refuse(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name.lower()):
        setup(_8B, cards.parse("RTX 4090"), vllm_version="0.32.0", overrides={name: value})


@pytest.mark.parametrize(
    ("vllm", "name", "is_on"),
    [
        ("0.25.0", "qwen3-next-80b-a3b", True),
        ("0.26.0", "qwen3-next-80b-a3b", False),
        ("0.27.1", "nemotron-nano-9b", False),
        ("0.28.0", "qwen3-next-80b-a3b", True),
        ("0.27.0", "llama-3.1-8b", True),
    ],
)
def test_prefixes_are_cached_but_for_states_in_two_releases(
    vllm: str, name: str, is_on: bool
) -> None:
    found = setup(lookup.find(name), cards.parse("H100"), vllm_version=vllm)
    assert found.enable_prefix_caching is is_on


@pytest.mark.parametrize("vllm", ["0.19.1", "0.6.6", "x", ""])
def test_a_release_that_accounts_otherwise_is_refused(vllm: str) -> None:
    with pytest.raises(UsageError, match=r"0\.20 and newer"):
        setup(_8B, cards.parse("RTX 4090"), vllm_version=vllm)


def test_a_step_is_never_larger_than_all_requests_together() -> None:
    found = setup(
        _8B,
        cards.parse("H100"),
        vllm_version="0.32.0",
        overrides={"max_num_seqs": 2, "max_model_len": 1024},
    )
    assert found.max_num_batched_tokens == 2048


@pytest.mark.parametrize(
    ("name", "gpus", "settings", "kind", "words", "instead"),
    [
        (
            "llama-3.1-8b",
            "3x RTX 4090",
            {"tensor_parallel_size": 3},
            "heads",
            "32 attention heads do not divide among 3 cards",
            "tp2",
        ),
        (
            "phi-4",
            "4x RTX 4090",
            {"tensor_parallel_size": 4},
            "heads",
            "10 key/value heads neither divide among 4 cards nor multiply to them",
            "tp2",
        ),
        ("qwen2.5-7b", "8x H100", {"tensor_parallel_size": 8}, "heads", "28 attention", "tp7"),
        (
            "qwen3-30b-a3b-fp8",
            "8x H100",
            {"tensor_parallel_size": 8},
            "experts",
            "no multiple of its quantisation group of 128",
            "smaller",
        ),
        (
            "gpt-oss-20b",
            "T4",
            {},
            "format",
            "MXFP4 needs compute capability 8.0, this card has 7.5",
            "",
        ),
        (
            "llama-3.1-8b",
            "RTX 5090",
            {"gpu_memory_utilization": 0.99},
            "in-use",
            "gpu0: of 31.4 GiB 30.8 are free once it has its CUDA context, and vLLM asks for 31.1",
            "gpu_memory_utilization 0.98",
        ),
        (
            "llama-3.2-1b",
            "RTX 4090",
            {"gpu_memory_utilization": 1.0},
            "in-use",
            "gpu0: of 23.5 GiB 23.3 are free",
            "gpu_memory_utilization 0.99",
        ),
        (
            "llama-3.3-70b-int8",
            "4x RTX 5090",
            {"tensor_parallel_size": 4},
            "format",
            "int8 for weights and activations has no kernel in vLLM from compute capability 10.0",
            "",
        ),
        ("gemma-3-12b", "T4", {}, "format", "overflows in float16, which vLLM refuses", ""),
        ("gemma-3-12b", "L4", {"dtype": "half"}, "format", "overflows in float16", ""),
        ("llama-3.2-3b", "T4", {"dtype": "bfloat16"}, "format", "needs compute capability 8.0", ""),
        ("llama-3.1-8b", "V100 32GB", {}, "format", "compute capability 7.0 is below 7.5", ""),
        (
            "llama-3.1-8b",
            "T4",
            {"kv_cache_dtype": "fp8"},
            "format",
            "an fp8 KV cache needs compute capability 8.0",
            "kv_cache_dtype auto",
        ),
        (
            "qwen3-1.7b",
            "16x T4",
            {"pipeline_parallel_size": 32},
            "cards",
            "32 cards are needed, 16 are there",
            "",
        ),
        (
            "llama-3.1-8b",
            "2x RTX 4090",
            {"pipeline_parallel_size": 2, "pp_layer_partition": (1, 2)},
            "layers",
            "a partition of 3 layers in 2, not 32 in 2",
            "",
        ),
        (
            "llama-3.1-70b-fp8",
            "2x RTX 4090",
            {"tensor_parallel_size": 2},
            "memory",
            "gpu0 needs",
            "",
        ),
        (
            "llama-3.1-8b",
            "RTX 4090",
            {"max_model_len": 131_072},
            "length",
            "one request of 131072 tokens needs 16.00 GiB of KV cache and gpu0 has",
            "max_model_len",
        ),
        (
            "qwen2.5-7b",
            "RTX 4090",
            {"max_model_len": 65_536},
            "length",
            "the model's own limit is 32768 tokens, 65536 were asked for",
            "max_model_len 32768",
        ),
    ],
)
def test_a_refusal_gives_its_reason_and_what_would_do(
    name: str, gpus: str, settings: dict[str, Any], kind: str, words: str, instead: str
) -> None:
    planned = memory.estimate(lookup.find(name), cards.parse(gpus), Setup("0.32.0", **settings))
    assert not planned.fits
    assert planned.refusal is not None
    assert planned.refusal.kind == kind
    assert words in planned.refusal.reason
    assert instead in planned.refusal.instead


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("phi-4", [1, 2, 5, 10]),
        ("qwen2.5-7b", [1, 2, 4]),
        ("llama-3.1-8b", [1, 2, 4, 8, 16]),
        ("qwen3-235b-a22b", [1, 2, 4, 8, 16]),
    ],
)
def test_sizes_into_which_heads_divide(name: str, sizes: list[int]) -> None:
    assert divisible.possible_sizes(lookup.find(name), 16) == sizes


@pytest.mark.parametrize(
    ("name", "gpus", "settings"),
    [
        ("llama-3.3-70b-int8", "2x RTX A6000", {"tensor_parallel_size": 2}),
        ("gemma-3-12b", "RTX A6000", {}),
        ("llama-3.2-3b", "T4", {}),
        ("llama-3.2-3b", "T4", {"dtype": "half"}),
        ("llama-3.1-8b", "RTX 5090", {"gpu_memory_utilization": 0.98}),  # started in a log
        ("llama-3.1-8b", "RTX 4090", {"gpu_memory_utilization": 0.99}),
    ],
)
def test_what_lies_on_the_other_side_of_a_refusal(
    name: str, gpus: str, settings: dict[str, Any]
) -> None:
    setup = Setup("0.32.0", **settings)
    assert memory.estimate(lookup.find(name), cards.parse(gpus), setup).fits
