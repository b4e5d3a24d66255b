"""A plan beside the log of a real start, and beside logs of starts that failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from preflight import parsers
from preflight.planned import document
from preflight.planning import Answer, Question, answer

LOGS = Path(__file__).resolve().parent.parent / "parsers" / "vllm-log"
RUNS = {
    "qwen32b": "qwen2.5-32b",
    "70b-fp8": "llama-70b-fp8",
    "qwen7b": "qwen2.5-7b",
    "mixtral": "mixtral-8x7b",
    "8b-fp8-kvfp8": "llama-8b-fp8",
}


def _ask(model: str, gpus: str, log: dict[str, Any]) -> Answer:
    return answer(Question(model, "0.32.0", gpus=(gpus,), log=log))


def _log(name: str, **changed: Any) -> dict[str, Any]:
    told = parsers.parse("vllm-log", (LOGS / f"{name}.txt").read_bytes())
    return told | changed


@pytest.mark.parametrize("run", RUNS)
def test_measured_starts_are_as_planned(corpus: Path, run: str) -> None:
    data = (corpus / f"captures/vllm-0.22.1/{run}.log").read_bytes()
    model = str(corpus / "models" / RUNS[run])
    made = _ask(model, "H200", parsers.parse("vllm-log", data))
    assert made.witness is not None
    assert made.is_good, made.witness
    assert {row.name for row in made.witness.rows} >= {"weights_gib", "kv_cache_tokens"}
    assert all(row.is_within for row in made.witness.rows)
    assert document(made)["compared"]


def test_the_logs_own_settings_and_version_are_planned_with() -> None:
    log = _log("v0-29-one-line")
    made = _ask("llama-3.1-8b", "RTX 5090", log)
    assert made.plan.wish.vllm_version == "0.29.0"
    tp1 = made.asked
    assert tp1.setup is not None
    assert (tp1.setup.max_num_seqs, tp1.setup.gpu_memory_utilization) == (32, 0.92)


def test_two_cards_are_planned_where_the_log_tells_of_two() -> None:
    made = _ask("llama-3.1-8b", "2x RTX 4090", _log("nccl"))
    assert made.layout is not None
    assert made.layout.name == "tp2"


def test_another_models_weights_are_flagged() -> None:
    made = _ask("qwen2.5-14b", "RTX 4090", _log("kv-too-small"))
    assert made.witness is not None
    assert [row.name for row in made.witness.flagged] == ["weights_gib"]
    assert any("another model" in words for words in made.witness.words)
    assert any("2368 would fit" in words for words in made.witness.words)
    assert not made.is_good


@pytest.mark.parametrize(
    ("log", "model", "agrees"),
    [
        ("oom-load", "qwen2.5-14b", True),  # 27.6 GiB on 24: neither fits
        ("oom-load", "llama-3.1-8b", False),  # the plan says that it fits
        ("memory-taken", "llama-3.1-8b", False),
        ("driver-too-old", "llama-3.1-8b", False),
    ],
)
def test_a_failed_start_is_held_against_the_plan(log: str, model: str, agrees: bool) -> None:
    made = _ask(model, "RTX 4090", _log(log))
    assert made.witness is not None
    assert made.witness.agrees is agrees
    assert made.witness.words[0].startswith("the start failed, ")


def _small_cache(**changed: Any) -> dict[str, Any]:
    """A start whose cache is 1.5 GiB smaller than planned."""
    log = _log("v0-29-one-line")
    log |= {"weights_gib": None, "activation_gib": None, "graph_gib": None, "max_concurrency": None}
    return log | {"kv_cache_gib": 11.0, "kv_cache_tokens": 90_000, "total_gib": 31.4} | changed


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"compilation_s": 35.8}, "compiled for 36 s"),
        ({"compilation_s": 0.5}, ""),
        ({"total_gib": 23.5}, "the log's card has 23.50 GiB"),
    ],
)
def test_a_smaller_cache_is_explained_or_flagged(changed: dict[str, Any], words: str) -> None:
    made = _ask("llama-3.1-8b", "RTX 5090", _small_cache(**changed))
    assert made.witness is not None
    cache = next(row for row in made.witness.rows if row.name == "kv_cache_gib")
    assert not cache.is_within
    assert words in cache.explanation
    assert bool(made.witness.flagged) is not bool(words)


def test_a_server_that_predicts_further_tokens_says_so() -> None:
    log = _log("v0-29-one-line", kv_cache_tokens=1000)
    log["settings"] = {**log["settings"], "speculative_decoding": True}
    made = _ask("llama-3.1-8b", "RTX 5090", log)
    assert made.witness is not None
    rows = {row.name: row for row in made.witness.rows}
    assert "predicts further tokens" in rows["kv_cache_tokens"].explanation


def test_a_cache_that_is_short_is_none_beside_a_log_and_not_less() -> None:
    made = _ask("llama-3.1-8b", "RTX 3050", _log("v0-29-one-line", kv_cache_gib=-2.5))
    assert made.witness is not None
    cache = next(row for row in made.witness.rows if row.name == "kv_cache_gib")
    assert made.asked.fullest is not None
    assert made.asked.fullest.kv_cache_gib < 0
    assert cache.planned == 0.0
