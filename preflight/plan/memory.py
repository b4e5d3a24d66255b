"""What each rank of a server takes of its card, and what that leaves for the KV cache.

As vLLM's V1 engine accounts for it (v1/worker/gpu_worker.py, determine_available_memory): a share
of the card's total is requested; weights, the dummy step's peak, context and the estimate for
CUDA graphs come off; the rest is cut into blocks, and the smallest rank decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from preflight.plan import activation, divisible, kv_cache, weights
from preflight.plan.constants import constants
from preflight.plan.shapes import GIB, Device, Memory, Model, RankMemory, Refusal, Setup
from preflight.plan.stages import layers_of

_LEAST_LENGTH = 256  # a shorter context serves nobody; a guess
_ROUND_TO = 256


def estimate(model: Model, devices: Sequence[Device], setup: Setup) -> Memory:
    """The memory of one server on these cards, one a rank, in rank order.

    With `setup.max_model_len` 0 the longest request that fits is asked for.
    """
    refusal = divisible.refusal(model, devices, setup)
    if refusal is not None:
        return Memory((), 0, 0.0, 0, 0, refusal)
    ranks = tuple(_rank(model, device, setup, rank) for rank, device in enumerate(devices))
    longest = min(
        kv_cache.longest(model, setup, rank.pp_rank, rank.kv_cache_gib * GIB) for rank in ranks
    )
    asked = setup.max_model_len or longest
    refusal = (
        _in_use(devices, setup)
        or _overfull(devices, setup, ranks)
        or _short(model, setup, ranks, longest, asked)
    )
    blocks = min(rank.kv_blocks for rank in ranks)
    tokens, at_once = kv_cache.tokens(model, setup, blocks, asked) if asked else (0, 0.0)
    return Memory(
        ranks=ranks,
        kv_cache_tokens=tokens,
        max_concurrency=at_once,
        max_model_len=longest,
        max_num_seqs=sensible_seqs(setup, at_once),
        refusal=refusal,
        notes=model.notes,
    )


def sensible_seqs(setup: Setup, at_once: float) -> int:
    """As many requests as the cache holds at full length, twice that for shorter ones.

    A power of two, so that CUDA graphs are few, and at most what was set.
    """
    wanted = max(int(2 * at_once), 1)
    return min(setup.max_num_seqs, 1 << (wanted.bit_length() - 1))


def with_fp8_cache(setup: Setup) -> Setup:
    """The same server with a KV cache of half the size."""
    return replace(setup, kv_cache_dtype="fp8")


def _rank(model: Model, device: Device, setup: Setup, rank: int) -> RankMemory:
    pp_rank, tp_rank = divmod(rank, setup.tensor_parallel_size)
    fitted, major = constants(), device.compute_capability[0]
    held = weights.rank_bytes(model, setup, pp_rank, device.compute_capability) / GIB
    peak = activation.peak_gib(model, setup, pp_rank, fitted)
    graphs = activation.graph_gib(model, setup, pp_rank, major, fitted)
    collective = fitted.collective_gib if setup.tensor_parallel_size > 1 else 0.0
    context = fitted.context_gib + collective
    requested = requested_gib(device, setup)
    left = requested - held - peak - context - graphs
    if setup.kv_cache_memory_bytes is not None:
        left = setup.kv_cache_memory_bytes / GIB
    return RankMemory(
        subject=device.subject,
        tp_rank=tp_rank,
        pp_rank=pp_rank,
        layers=len(layers_of(model, setup, pp_rank)),
        requested_gib=requested,
        weights_gib=held,
        activation_gib=peak,
        context_gib=context,
        graphs_gib=graphs,
        kv_cache_gib=left,
        kv_blocks=kv_cache.pool(model, setup, pp_rank).blocks(left * GIB),
    )


def requested_gib(device: Device, setup: Setup) -> float:
    """What vLLM lets itself take: a share of the whole card, not of what is free."""
    return ceil(device.memory_gib * GIB * setup.gpu_memory_utilization) / GIB


def free_gib(device: Device) -> float:
    """What vLLM finds free when it looks: less what others hold, and its own CUDA context."""
    held = device.memory_used_gib or 0.0
    return device.memory_gib - held - constants().startup_gib(device.compute_capability)


def _in_use(devices: Sequence[Device], setup: Setup) -> Refusal | None:
    """vLLM refuses to start where less is free than it requests."""
    if setup.kv_cache_memory_bytes is not None:
        return None
    for device in devices:
        free, wanted = free_gib(device), requested_gib(device, setup)
        if free < wanted:
            return Refusal(*_too_much(device, free, wanted), "in-use")
    return None


def _too_much(device: Device, free: float, wanted: float) -> tuple[str, str]:
    used, whole = device.memory_used_gib or 0.0, device.memory_gib
    taken = f"{used:.1f} of {whole:.1f} GiB are taken by others"
    if not used:
        taken = f"of {whole:.1f} GiB {free:.1f} are free once it has its CUDA context"
    share = int(free / whole * 100) / 100
    cures = [f"gpu_memory_utilization {share:.2f}"] if share > 0 else []
    cures += ["a card that nobody else uses"] if used else []
    return f"{device.subject}: {taken}, and vLLM asks for {wanted:.1f} GiB", ", or ".join(cures)


def _overfull(
    devices: Sequence[Device], setup: Setup, ranks: tuple[RankMemory, ...]
) -> Refusal | None:
    """A cache that was set by hand is not held against the card by vLLM, and runs it out."""
    if setup.kv_cache_memory_bytes is None:
        return None
    for device, rank in zip(devices, ranks, strict=True):
        free = free_gib(device)
        if rank.total_gib > free:
            room = free - rank.total_gib + rank.kv_cache_gib
            return Refusal(
                f"{device.subject} would need {rank.total_gib:.1f} GiB with the KV cache that was"
                f" set, and has {free:.1f}",
                f"kv_cache_memory_bytes {int(room * GIB)}" if room > 0 else "",
            )
    return None


def _short(
    model: Model, setup: Setup, ranks: tuple[RankMemory, ...], longest: int, asked: int
) -> Refusal | None:
    """No room for the weights, or for one request of the length that was asked for."""
    fullest = min(ranks, key=lambda rank: rank.kv_cache_gib)
    taken = fullest.total_gib - max(fullest.kv_cache_gib, 0.0)
    if fullest.kv_cache_gib <= 0:
        return Refusal(
            f"{fullest.subject} needs {taken:.1f} GiB for weights ({fullest.weights_gib:.1f}),"
            f" activations and context, and vLLM may take {fullest.requested_gib:.1f} GiB of it"
        )
    if asked > model.max_model_len:
        words = f"the model's own limit is {model.max_model_len} tokens, {asked} were asked for"
        return Refusal(words, f"max_model_len {model.max_model_len}", "length")
    if longest >= asked and longest >= min(_LEAST_LENGTH, model.max_model_len):
        return None
    need = kv_cache.pool(model, setup, fullest.pp_rank)
    length = max(asked, _LEAST_LENGTH)
    needed = need.bytes_for(length, kv_cache.in_flight_tokens(setup)) / GIB
    return Refusal(
        f"one request of {length} tokens needs {needed:.2f} GiB of KV cache and {fullest.subject}"
        f" has {fullest.kv_cache_gib:.2f} GiB left",
        f"max_model_len {longest // _ROUND_TO * _ROUND_TO}" if longest >= _ROUND_TO else "",
        "length" if longest >= _LEAST_LENGTH else "memory",
    )
