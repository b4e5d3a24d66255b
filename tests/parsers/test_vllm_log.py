"""vLLM's logs against what was measured of the same runs, and what is never taken from one."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from preflight import parsers

# the log of a run -> its row of the measured table, by model
RUNS = {
    "qwen32b": "qwen2.5-32b",
    "70b-fp8": "llama-70b-fp8",
    "qwen7b": "qwen2.5-7b",
    "mixtral": "mixtral-8x7b",
    "8b-fp8-kvfp8": "llama-8b-fp8",
}
FIGURES = ("weights_gib", "kv_cache_gib", "kv_cache_tokens", "graph_gib")
_VLLM = "INFO 11-24 02:41:18 [api_server.py:1] vLLM API server version 0.32.0\n"
SETTINGS = ("gpu_memory_utilization", "max_model_len", "max_num_seqs", "max_num_batched_tokens")


@pytest.mark.parametrize("log", RUNS)
def test_a_log_tells_what_was_measured(corpus: Path, log: str) -> None:
    with (corpus / "planner-truth-h200.csv").open() as table:
        row = next(row for row in csv.DictReader(table) if row["model"] == RUNS[log])
    told = parsers.parse("vllm-log", (corpus / f"captures/vllm-0.22.1/{log}.log").read_bytes())
    assert told["version"] == row["vllm"]
    assert {name: told[name] or 0 for name in FIGURES} == {n: float(row[n]) for n in FIGURES}
    stated = {name: told["settings"][name] for name in SETTINGS if name in told["settings"]}
    assert stated == {name: float(row[name]) for name in stated}
    assert len(stated) >= 3
    assert str(told["settings"]["enforce_eager"]) == row["enforce_eager"]
    assert told["error"] is None


def test_an_api_key_is_never_taken() -> None:
    log = b"INFO 11-24 02:40:07 [u.py:278] non-default args: {'api_key': ['s3cret'], 'model': 'm'}"
    told = parsers.parse("vllm-log", log)
    assert told["settings"] == {"model": "m"}
    assert "s3cret" not in repr(told)


def test_words_in_another_configuration_are_not_the_servers() -> None:
    log = (
        b"LLM engine (v0.22.1) with config: model='m', max_seq_len=8192, speculative_config={"
        b"'model': 'draft', 'max_model_len': 512}, quantization=None, pooler={'dtype': 'int8'}"
    )
    told = parsers.parse("vllm-log", log)
    named = {"model": "m", "max_model_len": 8192, "quantization": None}
    assert told["settings"] == {**named, "speculative_decoding": True}


@pytest.mark.parametrize(
    ("line", "is_error"),
    [
        ("(EngineCore pid=1) INFO 11-24 02:41:18 [w.py:1] torch.X: CUDA out of memory", False),
        ("(EngineCore pid=1) ERROR 11-24 02:41:18 [w.py:1] torch.X: CUDA out of memory", True),
        ("> | x (EngineCore pid=1) ERROR 11-24 02:41:18 [w.py:1]   NCCL error: unhandled", True),
    ],
)
def test_a_lines_own_level_decides_whether_it_is_an_error(line: str, is_error: bool) -> None:
    error = parsers.parse("vllm-log", line.encode())["error"]
    assert (error is not None) == is_error
    assert error is None or error["message"].startswith(("torch.", "NCCL"))


@pytest.mark.parametrize(
    "line",
    [
        "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): "
        "address already in use",
        "Nov 24 15:10:08 gpu01 vllm[651]: OSError: [Errno 98] Address already in use",
    ],
)
def test_a_taken_port_is_named(line: str) -> None:
    error = parsers.parse("vllm-log", f"{_VLLM}{line}\n".encode())["error"]
    assert error["class"] == "port-in-use"
    assert "ddress already in use" in error["message"]


@pytest.mark.parametrize(
    "line",
    [
        "INFO:     Received request cmpl-1: prompt: 'why CUDA out of memory?', params: x",
        "(APIServer pid=651) INFO:     prompt: 'ValueError: CUDA out of memory'",
        "Nov 24 15:10:08 gpu01 vllm[651]: INFO:     'CUDA out of memory'",
        "Received request cmpl-1: prompt: 'why CUDA out of memory?', params: x",
    ],
)
def test_what_a_request_asks_is_no_error(line: str) -> None:
    assert parsers.parse("vllm-log", f"{_VLLM}{line}\n".encode())["error"] is None


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("non-default args: {'model': 'm', 'speculative_config': {'method': 'mtp'}}", True),
        ("LLM engine (v0.24.0) with config: model='m', speculative_config=None, seed=0", False),
        ("LLM engine (v0.24.0) with config: model='m', speculative_config={'method': 'x'}", True),
    ],
)
def test_a_server_that_predicts_tokens_says_so(line: str, is_told: bool) -> None:
    told = parsers.parse("vllm-log", f"{_VLLM}INFO 11-24 02:40:07 [u.py:278] {line}".encode())
    assert ("speculative_decoding" in told["settings"]) == is_told
