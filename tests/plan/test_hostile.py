"""A config.json from a stranger: whatever it holds, a model or one line, and soon."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.errors import UsageError
from preflight.plan import cards, memory
from preflight.plan.reading import read
from preflight.plan.shapes import Setup
from tests.plan.plain import PLAIN

_PLAIN = {"architectures": ["LlamaForCausalLM"], **PLAIN}
_NUMBERS = [key for key, value in _PLAIN.items() if isinstance(value, int)]
_BAD = [0, -1, 1.5, "16", True, [], {}, 10**30, 1 << 62, 1e308]


@pytest.mark.parametrize("key", _NUMBERS)
@pytest.mark.parametrize("value", _BAD, ids=repr)
def test_a_number_that_is_none_is_one_line(key: str, value: object) -> None:
    with pytest.raises(UsageError) as caught:
        read(json.dumps({**_PLAIN, key: value}), "model")
    _is_one_line(caught.value, key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "7",
        "{",
        '{"hidden_size": NaN}',
        '{"hidden_size": Infinity}',
        '{"a":' * 100_000,
        "[" * 1_000_000,
        "\x00" * 64,
        '{"hidden_size": 1' + "0" * 5000 + "}",
        json.dumps(_PLAIN)[:-1],
        b"\xff\xfe{\x00}\x00",
        b"\x80" * 100,
    ],
    ids=lambda text: repr(text)[:24],
)
def test_what_is_no_config_is_one_line(text: str | bytes) -> None:
    with pytest.raises(UsageError) as caught:
        read(text, "model")
    _is_one_line(caught.value, "model")


@pytest.mark.parametrize(
    "change",
    [
        {"num_attention_heads": 16, "num_key_value_heads": 7},
        {"num_hidden_layers": 10**6},
        {"text_config": 7},
        {"quantization_config": "awq"},
        {"quantization_config": {"quant_method": 7}},
        {"quantization_config": {"quant_method": "awq", "bits": "four"}},
        {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 0.5}},
        {"quantization_config": {"quant_method": "fp8", "ignored_layers": "all"}},
        {"quantization_config": {"quant_method": "fp8", "ignored_layers": [7]}},
        {"layer_types": ["full_attention"]},
        {"intermediate_size": [1, 2, 3]},
        {"layer_types": ["<script>"] * 4},
        {"num_local_experts": 8, "num_experts_per_tok": 9},
        {"hybrid_override_pattern": "M-X"},
        {"hidden_size": 1 << 20, "intermediate_size": 1 << 22, "num_hidden_layers": 2048},
        {"rope_scaling": {"rope_type": "yarn", "factor": -4}},
        {"rope_scaling": [4]},
        {"vision_config": {"hidden_size": "wide"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_contradiction_is_one_line(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        read(json.dumps({**_PLAIN, **change}), "model")
    _is_one_line(caught.value, "model")


def test_escapes_in_a_value_do_not_reach_the_screen() -> None:
    with pytest.raises(UsageError) as caught:
        read(json.dumps({**_PLAIN, "hidden_size": "\x1b[2J\nfake"}), "model")
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "pattern",
    [
        "re:" + "(a+)+$",
        "re:" + "(?:.*)*x",
        "re:" + ".*" * 12 + "x",
        "re:" + "[" * 50,
        "*" * 200 + "x",
        "a" * 399,
    ],
)
def test_a_pattern_that_would_run_away_does_not(pattern: str) -> None:
    quantised = {"quant_method": "fp8", "ignore": [pattern] * 300}
    deep = {**_PLAIN, "num_hidden_layers": 128, "quantization_config": quantised}
    assert read(json.dumps(deep), "model").format.name == "fp8"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 2**40) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
_KEYS = [
    *_PLAIN,
    "head_dim",
    "num_local_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
    "n_shared_experts",
    "kv_lora_rank",
    "qk_rope_head_dim",
    "sliding_window",
    "layer_types",
    "quantization_config",
    "vision_config",
    "text_config",
    "rope_scaling",
    "tie_word_embeddings",
    "full_attention_interval",
    "linear_num_key_heads",
    "mlp_only_layers",
    "decoder_sparse_step",
]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=4))
def test_any_change_makes_a_model_that_can_be_planned_or_one_line(change: dict[str, Any]) -> None:
    try:
        model = read(json.dumps({**_PLAIN, **change}), "model")
    except UsageError as error:
        _is_one_line(error, "model")
        return
    planned = memory.estimate(model, cards.parse("RTX 4090"), Setup("0.32.0"))
    figures = [planned.kv_cache_tokens, planned.max_concurrency, planned.max_model_len]
    for rank in planned.ranks:
        figures += [rank.weights_gib, rank.activation_gib, rank.graphs_gib, rank.total_gib]
    assert all(math.isfinite(figure) and figure >= 0 for figure in figures)


def _is_one_line(error: UsageError, named: str) -> None:
    assert error.exit_status == 2
    assert "\n" not in str(error)
    assert not error.hint  # it would be a second line
    assert len(str(error)) < 300
    assert named in str(error)
