"""The settings of one server as vLLM resolves them: what was set, else the release's defaults.

Source: vllm/engine/arg_utils.py get_batch_defaults() and config/cache.py, 0.20 to 0.33. Only what
moves memory or speed is read; any other setting is passed on unread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from preflight.errors import UsageError
from preflight.plan.shapes import Device, Model, Setup
from preflight.versions import Version, parse, require

OLDEST = (0, 20)
_LARGE_GIB, _HUGE_GIB = 70, 160
_SCALES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}
_WHOLE = re.compile(r"(\d{1,15})([kmgKMG]?)")
_TRUE, _FALSE = frozenset({"true", "1", "yes", ""}), frozenset({"false", "0", "no"})
_MOST = {
    "max_model_len": 1 << 30,
    "max_num_seqs": 1 << 16,
    "max_num_batched_tokens": 1 << 22,
    "block_size": 1 << 12,
    "kv_cache_memory_bytes": 1 << 44,
}
_TRUTHS = (
    "enforce_eager",
    "enable_expert_parallel",
    "enable_prefix_caching",
    "language_model_only",
)
_DTYPES = frozenset({"auto", "half", "float16", "bfloat16"})
_CACHE_DTYPES = frozenset(
    {
        "auto",
        "float16",
        "bfloat16",
        "fp8",
        "fp8_e4m3",
        "fp8_e5m2",
        "fp8_ds_mla",
        "fp8_per_token_head",
        "int4_per_token_head",
        "int8_per_token_head",
        "nvfp4",
        "nvfp4_ds_mla",
    }
)


def setup(
    model: Model,
    devices: Sequence[Device],
    *,
    vllm_version: str,
    tensor_parallel_size: int = 1,
    pipeline_parallel_size: int = 1,
    overrides: Mapping[str, object] | None = None,
) -> Setup:
    """That of a server on these cards; UsageError for a value that vLLM would refuse.

    `overrides` are vLLM's own names, with dashes or underscores; those not known here change
    nothing. A length of 0 asks for the longest that fits.
    """
    version = parse(vllm_version)
    if version is None or version < OLDEST:
        raise UsageError(
            f"vLLM {vllm_version[:20]}: plans are made for 0.20 and newer",
            "older releases have known holes and account for memory otherwise",
        )
    base = Setup(
        vllm_version,
        tensor_parallel_size=tensor_parallel_size,
        pipeline_parallel_size=pipeline_parallel_size,
        max_num_batched_tokens=_batched_tokens(devices, vllm_version),
        max_num_seqs=default_seqs(devices),
        block_size=_block_size(model, devices),
        enable_prefix_caching=_finds_prefixes(model, version),
    )
    for name, value in (overrides or {}).items():
        base = _with(base, name.replace("-", "_").lower(), value)
    if base.max_model_len:  # no step is larger than all requests together
        most = base.max_num_seqs * base.max_model_len
        base = replace(base, max_num_batched_tokens=min(base.max_num_batched_tokens, most))
    return base


def default_seqs(devices: Sequence[Device]) -> int:
    """`max_num_seqs` of `vllm serve` where nothing is said."""
    return 1024 if _is_large(devices) else 256


def _is_large(devices: Sequence[Device]) -> bool:
    """vLLM asks the first card; in a mixed group the smallest decides here."""
    least = min((device.memory_gib for device in devices), default=0.0)
    return least >= _LARGE_GIB and not any("a100" in device.name.lower() for device in devices)


def _batched_tokens(devices: Sequence[Device], vllm_version: str) -> int:
    """Of `vllm serve`; what the LLM class takes is larger."""
    least = min((device.memory_gib for device in devices), default=0.0)
    if least >= _HUGE_GIB and require(vllm_version, "vLLM version") >= (0, 28):
        return 16384
    return 8192 if _is_large(devices) else 2048


def _finds_prefixes(model: Model, version: Version) -> bool:
    """On by default; 0.26 and 0.27 left it off for models with states."""
    has_states = any(layer.cache and layer.cache.kind == "state" for layer in model.layers)
    return not (has_states and (0, 26) <= version < (0, 28))


def _block_size(model: Model, devices: Sequence[Device]) -> int:
    """Tokens of a block: 16, or what the attention of MLA models takes on that card."""
    caches = [layer.cache for layer in model.layers if layer.cache is not None]
    if not any(cache.kind == "mla" for cache in caches):
        return 16
    is_sparse = any(cache.index_bytes for cache in caches)
    newest = max((device.compute_capability[0] for device in devices), default=9)
    return 64 if is_sparse or newest == 10 else 16


def _with(base: Setup, name: str, value: object) -> Setup:
    text = str(value).strip()
    if name == "gpu_memory_utilization":
        return replace(base, gpu_memory_utilization=_share(name, text))
    if name == "max_model_len" and text in ("auto", "-1", "0"):
        return replace(base, max_model_len=0)
    if name in _MOST:
        return replace(base, **{name: _whole(name, text)})  # type: ignore[arg-type]
    if name in _TRUTHS:
        return replace(base, **{name: _truth(name, text)})  # type: ignore[arg-type]
    if name == "disable_hybrid_kv_cache_manager":
        return replace(base, hybrid_kv_cache_manager=not _truth(name, text))
    if name == "dtype":
        if text not in _DTYPES:
            raise UsageError(f"dtype {text[:30]!r} is none that vLLM knows", "dtype=bfloat16")
        return replace(base, dtype=text)
    if name == "kv_cache_dtype":
        if text not in _CACHE_DTYPES:
            raise UsageError(f"kv_cache_dtype {text[:30]!r} is none that vLLM knows")
        return replace(base, kv_cache_dtype=text)
    if name == "vllm_pp_layer_partition":
        parts = [_whole(name, part) for part in text.split(",")]
        return replace(base, pp_layer_partition=tuple(parts))
    return base


def _share(name: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError as error:
        raise UsageError(f"{name} {text[:30]!r} is no number") from error
    if not 0 < share <= 1:
        raise UsageError(f"{name} {text[:30]} is not above 0 and at most 1")
    return share


def _whole(name: str, text: str) -> int:
    """As vLLM reads one: "16k" is 16,000 and "16K" 16,384."""
    match = _WHOLE.fullmatch(text)
    value = int(match[1]) * _SCALES[match[2]] if match else 0
    if not 1 <= value <= _MOST.get(name, 1 << 12):
        raise UsageError(f"{name} {text[:30]!r} is not a whole number from 1", "4096, or 4K")
    return value


def _truth(name: str, text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise UsageError(f"{name} {text[:30]!r} is neither true nor false")
