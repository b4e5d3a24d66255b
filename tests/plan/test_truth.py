"""Memory against servers that ran: measured rows, public rows, and what their logs printed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.plan import cards, kv_cache, lookup, memory, reading
from preflight.plan.constants import constants
from preflight.plan.shapes import GIB, Memory, Model, Setup
from tests.plan import truth
from tests.plan.fit import fit
from tests.plan.truth import Measured

_CONFIGS = Path(__file__).parent / "configs"
_FP8_BLOCK = {
    "quant_method": "fp8",
    "weight_block_size": [128, 128],
    "modules_to_not_convert": ["lm_head", "visual"],
}


@pytest.fixture(scope="module")
def rows(corpus: Path) -> list[Measured]:
    return truth.measured(corpus)


def test_weights_are_within_one_per_cent(rows: list[Measured]) -> None:
    off = {row.name: _weights(row) / row.weights_gib - 1 for row in rows}
    assert len(off) == 8
    assert all(abs(error) <= 0.01 for error in off.values()), off


def test_kv_cache_tokens_are_within_three_per_cent(rows: list[Measured]) -> None:
    assert [row.name for row in rows if not _is_met(row, row.planned())] == []


def test_each_measured_server_fits(rows: list[Measured]) -> None:
    assert [row.name for row in rows if not row.planned().fits] == []


def test_the_shipped_constants_are_the_fit(rows: list[Measured]) -> None:
    fitted, shipped = fit(rows), constants()
    assert shipped.context_gib == pytest.approx(fitted.context_gib, abs=0.01)
    assert shipped.activation_hidden == pytest.approx(fitted.activation_hidden, abs=0.01)


def test_a_model_that_the_fit_has_not_seen_is_met_too(
    rows: list[Measured], monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = []
    for left_out in {row.model.name for row in rows}:
        unseen = fit([row for row in rows if row.model.name != left_out])
        monkeypatch.setattr(memory, "constants", lambda found=unseen: found)
        missed += [
            row.name
            for row in rows
            if row.model.name == left_out and not _is_met(row, row.planned())
        ]
    assert missed == []


@pytest.mark.parametrize(
    ("tensor", "pipeline", "beside_gib"),
    [(1, 1, 2.1), (2, 1, 1.7), (1, 2, 2.0)],
)
def test_what_two_cards_need_beside_weights_and_cache(
    tensor: int, pipeline: int, beside_gib: float
) -> None:
    """Llama 8B on H200, 0.22.1: what was requested less weights and KV cache, on each card."""
    setup = Setup(
        "0.22.1",
        tensor_parallel_size=tensor,
        pipeline_parallel_size=pipeline,
        max_model_len=8192,
        max_num_seqs=64,
        max_num_batched_tokens=16384,
    )
    devices = cards.parse(f"{tensor * pipeline}x H200")
    planned = memory.estimate(_model("llama-3.1-8b"), devices, setup)
    rank = planned.ranks[0]
    beside = rank.requested_gib - rank.weights_gib - rank.kv_cache_gib
    assert beside == pytest.approx(beside_gib, abs=0.35)


# What logs of real servers printed: KV cache of a GPU in GiB, and the tokens made of it.
_LOGGED = [
    # one row of planner-truth.csv each: id, model, GiB, tokens, length, settings
    ("pt13", "qwen3-1.7b", 18.78, 175_856, 1024, {}),
    ("pt23", "kimi-k2-thinking", 46.80, 715_072, 262_144, {"tensor_parallel_size": 8}),
    ("pt55", "minimax-m2", 23.62, 399_424, 196_608, {"tensor_parallel_size": 4}),
    ("pt37", "qwen3-4b-awq", 36.88, 268_560, 2048, {}),
    ("pt25", "qwen3.5-35b-a3b", 6.01, 569_878, 131_072, {"kv_cache_dtype": "fp8"}),
    (
        "pt27",
        "qwen3.5-35b-a3b",
        16.58,
        3_292_687,
        262_144,
        {"kv_cache_dtype": "fp8", "tensor_parallel_size": 2},
    ),
    (
        "pt31",
        "qwen3.5-27b",
        9.84,
        619_202,
        262_144,
        {"kv_cache_dtype": "fp8_e5m2", "tensor_parallel_size": 2},
    ),
    (
        "pt35",
        "qwen3.5-27b",
        4.99,
        302_921,
        131_072,
        {"kv_cache_dtype": "fp8_e4m3", "tensor_parallel_size": 2},
    ),
]


@pytest.mark.parametrize(("row", "name", "gib", "tokens", "length", "settings"), _LOGGED)
def test_tokens_of_a_cache_are_as_vllm_printed_them(
    row: str, name: str, gib: float, tokens: int, length: int, settings: dict[str, object]
) -> None:
    """GiB were printed with two places: what that leaves open is a few blocks."""
    model, setup = _model(name), replace(Setup("0.26.0"), **settings)  # type: ignore[arg-type]
    low, high = (
        kv_cache.tokens(model, setup, kv_cache.pool(model, setup, 0).blocks(size * GIB), length)[0]
        for size in (gib - 0.0051, gib + 0.0051)
    )
    assert low <= tokens <= high
    assert high - low < 0.02 * tokens


def test_a_state_makes_the_block_that_the_log_announces() -> None:
    """0.26 on 2x RTX 5090: "Setting attention block size to 1568 tokens"."""
    setup = Setup("0.26.0", tensor_parallel_size=2, kv_cache_dtype="fp8")
    groups = kv_cache.pool(_model("qwen3.5-27b"), setup, 0).groups
    assert [(group.kind.kind, group.layers) for group in groups].count(("state", 16)) == 3
    assert {group.block_tokens for group in groups} == {1568}


# Public rows of 0.20 and newer whose settings are known; what is not told is vLLM's default.
@pytest.mark.parametrize(
    ("row", "name", "quantised", "gpus", "settings", "tokens"),
    [
        # the row says fp8, but its tokens are those of 16 bit: 491 blocks of 784 tokens
        (
            "pt17",
            "qwen3.5-27b",
            _FP8_BLOCK,
            "2x RTX 5090",
            {"tensor_parallel_size": 2, "max_model_len": 262_144},
            377_456,
        ),
        (
            "pt35",
            "qwen3.5-27b",
            _FP8_BLOCK,
            "2x RTX 3090",
            {
                "tensor_parallel_size": 2,
                "max_model_len": 131_072,
                "kv_cache_dtype": "fp8",
                "max_num_seqs": 2,
                "max_num_batched_tokens": 8192,
            },
            302_921,
        ),
        (
            "pt37",
            "qwen3-4b-awq",
            None,
            "RTX 4090 48GB",
            {
                "max_model_len": 2048,
                "gpu_memory_utilization": 0.85,
                "max_num_batched_tokens": 8192,
            },
            268_560,
        ),
    ],
)
def test_public_rows_are_met_within_six_per_cent(
    row: str,
    name: str,
    quantised: dict[str, object] | None,
    gpus: str,
    settings: dict[str, object],
    tokens: int,
) -> None:
    setup = replace(Setup("0.26.0"), **settings)  # type: ignore[arg-type]
    planned = memory.estimate(_model(name, quantised), cards.parse(gpus), setup)
    assert planned.kv_cache_tokens == pytest.approx(tokens, rel=0.06)


# Rows that ran out of memory, or whose cache was too small, on cards that the catalogue knows.
@pytest.mark.parametrize(
    ("row", "name", "gpus", "settings"),
    [
        (
            "pt03",
            "qwen2.5-14b",
            "2x RTX 4090",
            {
                "tensor_parallel_size": 2,
                "max_model_len": 131_072,
                "gpu_memory_utilization": 0.98,
            },
        ),
        ("pt47", "mixtral-8x7b-awq", "RTX 3090", {"max_model_len": 4096}),
        ("pt67", "qwen3-coder-30b-a3b-awq", "RTX 5090", {"max_model_len": 131_072}),
    ],
)
def test_what_ran_out_of_memory_is_not_said_to_fit(
    row: str, name: str, gpus: str, settings: dict[str, object]
) -> None:
    model = replace(_model(name), max_model_len=131_072)
    setup = replace(Setup("0.32.0"), **settings)  # type: ignore[arg-type]
    assert not memory.estimate(model, cards.parse(gpus), setup).fits


def test_the_length_that_did_fit_is_near_the_one_that_is_named() -> None:
    """pt67: 131,072 tokens ran out of memory on that card, 122,880 did not."""
    setup = Setup("0.32.0")
    planned = memory.estimate(_model("qwen3-coder-30b-a3b-awq"), cards.parse("RTX 5090"), setup)
    assert 122_880 <= planned.max_model_len < 131_072


# The article's figures that physics forbids, and what stands instead.
@pytest.mark.parametrize(
    ("name", "gpus", "tensor", "weights_gib", "fits"),
    [
        ("llama-3.1-70b-fp8", "2x RTX 4090", 2, 33.85, False),
        ("llama-3.1-70b-awq", "RTX 4090", 1, 37.0, False),
        ("llama-3.1-70b-awq", "2x RTX 4090", 2, 18.5, True),
        ("llama-3.1-70b-fp8", "RTX 5090", 1, 67.7, False),
        ("llama-3.1-70b-fp8", "RTX PRO 6000", 1, 67.7, True),
        ("llama-3.1-8b-fp8", "RTX 4090", 1, 8.46, True),
    ],
)
def test_seed_figures(name: str, gpus: str, tensor: int, weights_gib: float, fits: bool) -> None:
    setup = Setup("0.32.0", tensor_parallel_size=tensor)
    planned = memory.estimate(_model(name), cards.parse(gpus), setup)
    assert planned.fits is fits
    assert planned.ranks[0].weights_gib == pytest.approx(weights_gib, rel=0.01)


@pytest.mark.parametrize(
    ("name", "capability", "tensor", "held_gib"),
    [
        ("qwen2.5-72b-gptq", (8, 0), 1, 38.53),
        ("qwen3-30b-a3b", (8, 6), 4, 14.25),
        ("gpt-oss-120b", (8, 9), 1, 65.97),  # Marlin
        ("gpt-oss-120b", (9, 0), 1, 64.38),  # Triton
        ("gpt-oss-20b", (8, 9), 1, 13.72),
    ],
)
def test_weights_that_logs_printed(
    name: str, capability: tuple[int, int], tensor: int, held_gib: float
) -> None:
    from preflight.plan.weights import rank_bytes

    setup = Setup("0.22.1", tensor_parallel_size=tensor)
    assert rank_bytes(_model(name), setup, 0, capability) / GIB == pytest.approx(held_gib, rel=0.01)


def _weights(row: Measured) -> float:
    return row.planned().ranks[0].weights_gib


def _is_met(row: Measured, planned: Memory) -> bool:
    """Within 3 % of the tokens; where the cache is a small rest of the card, within 0.5 GiB."""
    if row.kv_cache_gib < 0.1 * row.device.memory_gib:
        return abs(planned.ranks[0].kv_cache_gib - row.kv_cache_gib) <= 0.5
    return abs(planned.kv_cache_tokens / row.kv_cache_tokens - 1) <= 0.03


def _model(name: str, quantised: dict[str, object] | None = None) -> Model:
    path = _CONFIGS / f"{name}.json"
    if not path.exists():
        return lookup.find(name)
    config = json.loads(path.read_text())
    if quantised:
        config["quantization_config"] = quantised
    return reading.read(json.dumps(config), name)
