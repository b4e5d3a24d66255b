"""What a vLLM server states of itself when it starts: memory, KV cache, graphs, why it failed.

Seen with vLLM 0.5 to 0.32, plain, from a journal, and behind process and time stamps:

    (EngineCore pid=12) INFO 11-24 02:40:28 [gpu_model_runner.py:5132] Model loading took 8.51 GiB memory and 1.976097 seconds
    (EngineCore pid=12) INFO 11-24 02:41:18 [gpu_worker.py:466] Available KV cache memory: 117.73 GiB
    (EngineCore pid=12) INFO 11-24 02:41:18 [kv_cache_utils.py:1733] GPU KV cache size: 1,928,928 tokens
    (EngineCore pid=12) INFO 11-24 02:41:18 [kv_cache_utils.py:1734] Maximum concurrency for 8,192 tokens per request: 235.46x
    (EngineCore pid=12) INFO 11-24 02:41:22 [gpu_model_runner.py:6456] Graph capturing finished in 4 secs, took 0.46 GiB

Nothing is derived: blocks are not made tokens, an estimate is not the thing itself. Where several
ranks speak, the fullest card's figure is given: the most weights, the least KV cache. A log of
several starts gives the last one.
"""  # noqa: E501 - lines as they are printed

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from preflight.errors import NotThisKind
from preflight.parsers.json_lines import unwrapped
from preflight.parsers.recording import table_lines
from preflight.parsers.vllm_error import startup_error
from preflight.parsers.vllm_settings import settings

__all__ = ["EXPECTED", "KIND", "kv_cache_tokens", "parse", "startup_error"]

KIND = "vllm-log"
EXPECTED = "a start-up log of vLLM"

_GIB = 1 << 30
_N = r"(-?\d[\d,]{0,20}(?:\.\d{1,9})?)"  # with commas in thousands
_START = re.compile(r"vLLM (?:API )?server version |[█▀] {1,4}version \d")
_VERSION = re.compile(
    r"(?:LLM engine \(v|vLLM (?:API )?server version v?|[█▀] {1,4}version v?)(\d[\w.+-]{0,60})"
)
# A line as vLLM's logger writes it, a path of its code, its processes.
_SIGN = re.compile(
    r"(?:INFO|WARNING|ERROR|DEBUG|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d \[?[\w./]{1,100}:\d{1,6}\]"
    r"|-packages/vllm/|\bvllm serve\b|\((?:EngineCore|APIServer|VllmWorker)"
)
# Errors in words that only vLLM has.
_OWN_ERROR = ("kv-too-small", "memory-taken")


@dataclass(frozen=True)
class Stated:
    """One figure: where it stands, the first pattern that is found counts; which of several."""

    name: str
    patterns: tuple[str, ...]
    pick: Callable[[Iterable[float]], float] = max
    is_whole: bool = False


_STATED = (
    Stated(
        "weights_gib",
        (
            rf"(?:Model loading|Loading model weights) took {_N} Gi?B",
            rf"model weights take {_N} ?GiB",
            rf"Actual usage is {_N} GiB for weight,",
        ),
    ),
    Stated(
        "kv_cache_gib",
        (
            rf"Available KV cache memory: {_N} GiB",
            rf"memory reserved for KV Cache is {_N} ?GiB",
            rf"reserved {_N} GiB memory for KV Cache",
            rf"\bkv_cache_size={_N}GiB",
            rf"kv cache memory in use is {_N} GiB",
            rf"larger than the available KV cache memory \({_N} GiB",
        ),
        min,
    ),
    Stated(
        "kv_cache_tokens",
        (
            rf"\b(?:GPU|CPU|XPU) KV cache size: {_N} tokens",
            rf"number of tokens that can be stored in KV cache \({_N}\)",
        ),
        min,
        is_whole=True,
    ),
    Stated(
        "max_concurrency",
        (rf"Maximum concurrency for [\d,]{{1,20}} tokens per request: {_N}x",),
        min,
    ),
    Stated(
        "graph_gib",
        (
            rf"Graph capturing finished in [\d.]{{1,12}} secs?, took {_N} GiB",
            rf"CUDA graph pool memory: {_N} GiB \(actual\)",
            rf"and {_N} GiB for CUDAGraph memory",
        ),
    ),
    Stated(
        "graph_estimated_gib",
        (
            rf"Estimated CUDA graph memory: {_N} GiB total",
            rf"GiB \(actual\), {_N} GiB \(estimated\)",
        ),
    ),
    Stated(
        "activation_gib",
        (rf"{_N} GiB for peak activation", rf"PyTorch activation peak memory takes {_N} ?GiB"),
    ),
    Stated(
        "non_torch_gib",
        (rf"{_N} GiB for non-torch memory", rf"non_torch_memory(?: takes |=){_N} ?GiB"),
    ),
    Stated("consumed_gib", (rf"Actual usage is {_N} GiB for consumed memory",)),
    Stated(
        "free_gib",
        (rf"Free memory on device [\w:]{{0,20}} ?\({_N}/", rf"Initial free memory {_N}"),
        min,
    ),
    Stated(
        "total_gib",
        (
            rf"Free memory on device [\w:]{{0,20}} ?\([\d.]{{1,12}}/{_N} GiB",
            rf"total_gpu_memory(?: \(|=){_N} ?GiB",
        ),
        min,
    ),
    Stated("gpu_blocks", (rf"(?:# )?\b(?:GPU|cuda) blocks: {_N}",), min, is_whole=True),
    Stated(
        "block_size",
        (
            rf"Setting attention block size to {_N} tokens",
            rf"[Ss]etting kv cache block size to {_N} for",
            rf"Forcing kv cache block size to {_N} for",
        ),
        is_whole=True,
    ),
    Stated(
        "auto_max_model_len",
        (rf"Auto-fit max_model_len: reduced from \d{{1,12}} to {_N} to fit",),
        min,
        is_whole=True,
    ),
    Stated(
        "estimated_max_model_len",
        (
            rf"estimated maximum model length is {_N}",
            rf"number of tokens that can be stored in KV cache \({_N}\)",
        ),
        min,
        is_whole=True,
    ),
    Stated(
        "kv_cache_needed_gib", (rf"\({_N} GiB KV cache is needed", rf"{_N} GiB KV cache is needed")
    ),
    Stated("start_s", (rf"init engine \(profile, create kv cache, warmup model\) took {_N} s",)),
    Stated(
        "compilation_s", (rf"\(compilation: {_N} s\)", rf"torch\.compile (?:takes?|took) {_N} s")
    ),
    Stated("prompt_tok_s", (rf"Avg prompt throughput: {_N} tokens/s",)),
    Stated("generation_tok_s", (rf"Avg generation throughput: {_N} tokens/s",)),
)
_COMPILED = tuple((one, tuple(re.compile(p) for p in one.patterns)) for one in _STATED)
_KV_TOKENS = next(patterns[0] for one, patterns in _COMPILED if one.name == "kv_cache_tokens")
_KV_BYTES = re.compile(r"kv cache memory in use is (\d{1,15}) bytes")
_UTILISATION = re.compile(
    r"(?:Desired GPU memory utilization is \(|desired GPU memory utilization \(|"
    r"gpu_memory_utilization(?: \(|=)|The current --gpu-memory-utilization=)(\d\.\d{1,6})"
)


def parse(text: str) -> dict[str, Any]:
    """The contract's facts first, then what else the log states; null where it does not."""
    text = _last_start(unwrapped("\n".join(table_lines(text))))
    error = startup_error(text)
    version = _VERSION.search(text)
    stated = {one.name: _figure(one, patterns, text) for one, patterns in _COMPILED}
    known = [value for value in stated.values() if value is not None]
    if not (known or version or _SIGN.search(text) or (error and error["class"] in _OWN_ERROR)):
        raise NotThisKind(EXPECTED)
    if stated["kv_cache_gib"] is None:
        stated["kv_cache_gib"] = _kv_cache_bytes(text)
    first = ("weights_gib", "kv_cache_gib", "kv_cache_tokens", "max_concurrency", "graph_gib")
    return {
        "version": version[1].rstrip(".") if version else None,
        **{name: stated.pop(name) for name in first},
        "error": error,
        **stated,
        "settings": _settings(text),
    }


def kv_cache_tokens(text: str) -> int | None:
    """The tokens that the KV cache of one server holds; the smallest where ranks differ."""
    found = [_number(number) for number in _KV_TOKENS.findall(text)]
    return int(min(found)) if found else None


def _last_start(text: str) -> str:
    """From the last line on in which a server names itself, if anything was said before."""
    starts = [match.start() for match in _START.finditer(text)]
    return text[text.rfind("\n", 0, starts[-1]) + 1 :] if len(starts) > 1 else text


def _figure(one: Stated, patterns: tuple[re.Pattern[str], ...], text: str) -> float | int | None:
    for pattern in patterns:
        found = [_number(number) for number in pattern.findall(text)]
        if found:
            picked = one.pick(found)
            return int(picked) if one.is_whole else picked
    return None


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _kv_cache_bytes(text: str) -> float | None:
    """Releases before 0.11 give it in bytes, at the end of their summary."""
    found = [int(number) for number in _KV_BYTES.findall(text)]
    return round(min(found) / _GIB, 2) if found else None


def _settings(text: str) -> dict[str, Any]:
    told = settings(text)
    share = _UTILISATION.search(text)
    if share:
        told["gpu_memory_utilization"] = float(share[1])
    return told
