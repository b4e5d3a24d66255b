"""Whether a model can be cut so at all: heads, layers and groups that must come out even, and
cards that can run its formats.

vLLM refuses each of these at its start (config/model.py, verify_with_parallel_config;
layers/linear.py; layers/quantization).
"""

from __future__ import annotations

from collections.abc import Sequence

from preflight.plan import formats, kv_cache
from preflight.plan.shapes import Device, Matrix, Model, Refusal, Setup

_BF16_LEAST = (8, 0)  # platforms/cuda.py, supported_dtypes


def refusal(model: Model, devices: Sequence[Device], setup: Setup) -> Refusal | None:
    """The first reason against it, None where there is none."""
    if len(devices) != setup.ranks:
        words = f"{setup.ranks} cards are needed, {len(devices)} are there"
        return Refusal(words, kind="cards")
    return (
        _heads(model, setup)
        or _layers(model, setup)
        or _matrices(model, setup)
        or _formats(model, devices, setup)
    )


def possible_sizes(model: Model, most: int) -> list[int]:
    """Tensor-parallel sizes up to `most` into which the heads divide."""
    return [
        size
        for size in range(1, most + 1)
        if _heads(model, Setup("0", tensor_parallel_size=size)) is None
    ]


def _heads(model: Model, setup: Setup) -> Refusal | None:
    tp = setup.tensor_parallel_size
    sizes = [size for size in range(1, tp) if model.query_heads % size == 0]
    if model.query_heads % tp:
        words = f"{model.query_heads} attention heads do not divide among {tp} cards"
        return Refusal(words, f"tp{sizes[-1]}", "heads")
    for layer in dict.fromkeys(model.layers):
        kv_heads = layer.cache.kv_heads if layer.cache else 0
        if kv_heads and kv_heads % tp and tp % kv_heads:
            words = (
                f"{kv_heads} key/value heads neither divide among {tp} cards nor multiply to them"
            )
            fitting = [size for size in sizes if kv_heads % size == 0 or size % kv_heads == 0]
            return Refusal(words, f"tp{fitting[-1]}", "heads")
    return None


def _layers(model: Model, setup: Setup) -> Refusal | None:
    stages, layers = setup.pipeline_parallel_size, len(model.layers)
    if stages > layers:
        words = f"{layers} layers do not make {stages} stages"
        return Refusal(words, f"pp{layers}", "layers")
    parts = setup.pp_layer_partition
    if parts is not None and (len(parts) != stages or sum(parts) != layers or min(parts) < 1):
        words = f"a partition of {sum(parts)} layers in {len(parts)}, not {layers} in {stages}"
        return Refusal(words, kind="layers")
    return None


def _matrices(model: Model, setup: Setup) -> Refusal | None:
    tp = setup.tensor_parallel_size
    for layer in dict.fromkeys(model.layers) if tp > 1 else ():
        for matrix in layer.matrices:
            words = _uneven(matrix, tp, setup.enable_expert_parallel)
            if words:
                return Refusal(words, "a smaller tensor-parallel size", "experts")
    return None


def _uneven(matrix: Matrix, tp: int, by_expert: bool) -> str:
    """Why a matrix cannot be cut in `tp` parts, "" where it can."""
    if matrix.copies > 1 and by_expert:
        return "" if matrix.copies >= tp else f"{matrix.copies} experts are fewer than {tp} cards"
    size = {"outputs": matrix.outputs, "inputs": matrix.inputs}.get(matrix.split)
    if size is None or (matrix.copies > 1 and matrix.format.name == "mxfp4"):
        return ""
    name = matrix.name.rpartition(".")[2]
    if size % tp:
        return f"{name} of {size} does not divide among {tp} cards"
    group = matrix.format.group_size
    is_grouped = matrix.split == "inputs" or matrix.format.name == "fp8-block"
    if group and is_grouped and (size // tp) % group and size > group:
        return f"{name}: {size // tp} a card is no multiple of its quantisation group of {group}"
    return ""


def _formats(model: Model, devices: Sequence[Device], setup: Setup) -> Refusal | None:
    used = dict.fromkeys(m.format for layer in dict.fromkeys(model.layers) for m in layer.matrices)
    for device in devices:
        words = _dtype(model, device, setup)
        if words:
            return Refusal(f"{device.subject} ({device.name}): {words}", kind="format")
        for format in used:
            found = formats.support(format, device.compute_capability, setup.vllm_version)
            if found.how == "none":
                return Refusal(f"{device.subject} ({device.name}): {found.reason}", kind="format")
        wanted = kv_cache.cache_dtype(model, setup)
        if wanted.startswith("fp8") and device.compute_capability < (8, 0):
            words = (
                f"{device.subject} ({device.name}): an fp8 KV cache needs compute capability 8.0"
            )
            return Refusal(words, "kv_cache_dtype auto", "format")
    return None


def _dtype(model: Model, device: Device, setup: Setup) -> str:
    """Why the model's 16 bits cannot be computed with on that card, "" where they can."""
    has_bfloat16 = device.compute_capability >= _BF16_LEAST
    if setup.dtype == "bfloat16" and not has_bfloat16:
        return "bfloat16 needs compute capability 8.0"
    is_float16 = setup.dtype in ("float16", "half") or not has_bfloat16
    if is_float16 and not model.takes_float16:
        return "the model overflows in float16, which vLLM refuses; in bfloat16 (8.0 on) it runs"
    return ""
