"""The settings that a vLLM server says it runs with, from the lines that hold them.

    non-default args: {'max_model_len': 8192, 'model': 'lab/models/llama-8b'}
    args: Namespace(model='lab/models/llama-8b', max_model_len=None, …)          (V0)
    Initializing a V1 LLM engine (v0.22.1) with config: model='lab/models/llama-8b', …, seed=0

Only names of the table below are taken: the first lines may hold the server's API key.
"""

from __future__ import annotations

import re

Value = str | int | float | bool | None

_ARGUMENTS = re.compile(r"non-default args: \{([^\n]{0,16000})")
_NAMESPACE = re.compile(r"\bargs: Namespace\(([^\n]{0,16000})")
_CONFIG = re.compile(r"LLM engine \(v[^\n)]{1,80}\) with config: ([^\n]{0,16000})")
_SPECULATING = re.compile(r"'speculative_config': ['{]|speculative_config=(?:'|Speculat|\{)")
_BATCH = re.compile(r"Chunked prefill is enabled with max_num_batched_tokens=(\d{1,9})")
_PAIR = re.compile(
    r"[{ ,'](\w{2,40})(?:': |=)('[^'\n]{0,400}'|True|False|None|[\w.:+-]{1,80}(?=[,} )]|$))"
)
# vLLM's word in the second line -> its setting
_NAMES = {
    "model": "model",
    "max_seq_len": "max_model_len",
    "max_model_len": "max_model_len",
    "tensor_parallel_size": "tensor_parallel_size",
    "pipeline_parallel_size": "pipeline_parallel_size",
    "dtype": "dtype",
    "quantization": "quantization",
    "kv_cache_dtype": "kv_cache_dtype",
    "enforce_eager": "enforce_eager",
    "block_size": "block_size",
    "max_num_seqs": "max_num_seqs",
    "max_num_batched_tokens": "max_num_batched_tokens",
    "gpu_memory_utilization": "gpu_memory_utilization",
    "kv_cache_memory_bytes": "kv_cache_memory_bytes",
    "disable_custom_all_reduce": "disable_custom_all_reduce",
    "enable_expert_parallel": "enable_expert_parallel",
}
_WORDS = {"True": True, "False": False, "None": None}


def settings(text: str) -> dict[str, Value]:
    """vLLM's settings by name, those of the engine's own line before the arguments given."""
    found: dict[str, Value] = {}
    for pattern in (_NAMESPACE, _ARGUMENTS, _CONFIG):
        line = pattern.search(text)
        if line:
            told = _pairs(line[1])
            # an argument that was not given says nothing; the engine's own None does
            found.update((k, v) for k, v in told.items() if v is not None or pattern is _CONFIG)
    if _SPECULATING.search(text):
        found["speculative_decoding"] = True
    batch = _BATCH.search(text)
    if batch:
        found["max_num_batched_tokens"] = int(batch[1])
    return found


def _pairs(line: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in _PAIR.findall(f" {_outermost(line)}"):
        if name in _NAMES:
            found.setdefault(_NAMES[name], _value(value))
    return found


def _outermost(line: str) -> str:
    """The line without what stands in braces: other configurations, with words of their own."""
    depth, kept = 0, []
    for part in re.split(r"([{}])", line):
        if part == "{":
            depth += 1
        elif part == "}":
            depth -= 1
        elif depth == 0:
            kept.append(part)
        if depth < 0:
            break
    return "".join(kept)


def _value(text: str) -> Value:
    if text in _WORDS:
        return _WORDS[text]
    if text.startswith("'"):
        return text[1:-1]
    if re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", text):
        return float(text)
    return text.removeprefix("torch.")
