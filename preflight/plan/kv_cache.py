"""How vLLM's V1 engine cuts a rank's KV cache into blocks, and how many tokens that holds.

Source: v1/core/kv_cache_utils.py and v1/kv_cache_interface.py. Layers that cache alike form
groups of one size; all groups draw blocks from one pool, and a block holds one page of each layer
of a group. One block, the null block, is never given out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from preflight.plan.shapes import Cache, Model, Setup
from preflight.plan.stages import layers_of
from preflight.versions import require

_BYTES = {"auto": 2.0, "float16": 2.0, "bfloat16": 2.0, "half": 2.0, "nvfp4": 0.5 + 1 / 16}
_PER_HEAD_SCALE = 4  # bytes beside each head of a token in the *_per_token_head formats
_NO_LIMIT = 1 << 40
_LATENT_BLOCK = 128  # multiple of MLA's blocks beside states (_align_hybrid_block_size, 0.32)
_MERGED = 1.5  # groups are padded to the larger kind below this ratio
_LATENT = {  # bytes a token of MLA with DeepSeek's own layout: values in fp8, positions in 16 bit
    "fp8_ds_mla": 656,
    "nvfp4_ds_mla": 352,
}


@dataclass(frozen=True)
class Group:
    """Layers of one kind that share a block table."""

    kind: Cache
    layers: int
    page_bytes: int  # of one layer in one block
    block_tokens: int
    fixed_blocks: int = 0  # of a request of any length; 0: by its length

    def blocks_for(self, length: int, in_flight: int) -> int:
        """Blocks of a request of that length, while a step of `in_flight` tokens runs."""
        if self.fixed_blocks:
            return self.fixed_blocks
        if self.kind.kind == "sliding":
            kept = min(self.kind.window_tokens - 1 + in_flight, length)
            return -(-kept // self.block_tokens) + 1
        return -(-length // self.block_tokens)


@dataclass(frozen=True)
class Pool:
    """What the blocks of one rank are made of; `groups` is () where a stage caches nothing."""

    groups: tuple[Group, ...]
    block_bytes: int

    def blocks(self, cache_bytes: float) -> int:
        """As many as fit; a stage that caches nothing sets no limit to the others."""
        return max(int(cache_bytes // self.block_bytes), 0) if self.block_bytes else _NO_LIMIT

    def blocks_for(self, length: int, in_flight: int) -> int:
        return sum(group.blocks_for(length, in_flight) for group in self.groups)

    def bytes_for(self, length: int, in_flight: int) -> int:
        return self.blocks_for(length, in_flight) * self.block_bytes


def token_bytes(kind: Cache, setup: Setup, kv_cache_dtype: str) -> float:
    """Bytes of one token in one layer of one rank; a state has none."""
    if kind.kind == "state":
        return 0.0
    if kind.kind == "mla":
        return _latent_bytes(kind, kv_cache_dtype) + kind.index_bytes
    heads = max(1, kind.kv_heads // setup.tensor_parallel_size)
    each = (kind.head_dim + kind.value_dim) * value_bytes(kv_cache_dtype)
    if kv_cache_dtype.endswith("_per_token_head"):
        each += 2 * _PER_HEAD_SCALE
    return heads * each


def value_bytes(kv_cache_dtype: str) -> float:
    """Of one cached number: "auto" is 16 bit, every fp8 and int8 a byte, int4 half of one."""
    if kv_cache_dtype in _BYTES:
        return _BYTES[kv_cache_dtype]
    return 0.5 if "4" in kv_cache_dtype.partition("_")[0] else 1.0


def _latent_bytes(kind: Cache, kv_cache_dtype: str) -> float:
    if kv_cache_dtype in _LATENT:
        return _LATENT[kv_cache_dtype]
    if kind.index_bytes and kv_cache_dtype.startswith("fp8"):
        return _LATENT["fp8_ds_mla"]
    return kind.latent_dim * value_bytes(kv_cache_dtype)


@cache
def pool(model: Model, setup: Setup, pp_rank: int) -> Pool:
    """The groups and the block of one stage's ranks.

    Groups are made over all stages together, and each stage keeps its own layers of them, so that
    block tables agree (get_kv_cache_configs).
    """
    every = _counted(model, setup, range(setup.pipeline_parallel_size))
    here = _counted(model, setup, (pp_rank,))
    if not every:
        return Pool((), 0)
    dtype = cache_dtype(model, setup)
    block = _block_tokens(every, setup, dtype)
    if all(kind.kind in ("full", "mla") for kind in every):
        page = sum(_page_bytes(kind, setup, dtype, block) * n for kind, n in here.items())
        return Pool((Group(next(iter(every)), 1, page, block),), page)
    groups = _groups(every, here, setup, dtype, block)
    return Pool(groups, max(group.layers * group.page_bytes for group in groups))


def bytes_per_token(model: Model, setup: Setup, pp_rank: int) -> float:
    """Of one token in all layers of a rank at full length, states left out."""
    dtype = cache_dtype(model, setup)
    return sum(
        token_bytes(layer.cache, setup, dtype)
        for layer in layers_of(model, setup, pp_rank)
        if layer.cache is not None
    )


def read_bytes(model: Model, setup: Setup, pp_rank: int, context_tokens: int) -> float:
    """What one rank reads of its cache for one request's next token."""
    dtype = cache_dtype(model, setup)
    total = 0.0
    for layer in layers_of(model, setup, pp_rank):
        kind = layer.cache
        if kind is None:
            continue
        seen = min(context_tokens, kind.window_tokens or context_tokens)
        total += seen * token_bytes(kind, setup, dtype)
        total += 2 * kind.state_bytes / setup.tensor_parallel_size  # read and written
    return total


def cache_dtype(model: Model, setup: Setup) -> str:
    """The setting, or what the checkpoint asks for under "auto"."""
    return model.kv_cache_dtype if setup.kv_cache_dtype == "auto" else setup.kv_cache_dtype


def tokens(model: Model, setup: Setup, blocks: int, length: int) -> tuple[int, float]:
    """The tokens that vLLM prints for so many blocks, and requests of that length at once."""
    found = pool(model, setup, 0)
    needed = found.blocks_for(length, in_flight_tokens(setup))
    if not needed:  # nothing is cached, and no cache limits how many run
        return 0, float(setup.max_num_seqs)
    at_once = blocks / needed
    if _is_since(setup, 0, 20, 2):
        return int(at_once * length), at_once
    # shared out among all groups, those of states too, as if each were at full length
    least = min(group.block_tokens for group in found.groups)
    return blocks // len(found.groups) * least, at_once


def in_flight_tokens(setup: Setup) -> int:
    """Tokens scheduled and not yet settled, which sliding layers must hold besides their window.

    One batch below 0.26. Since then one for each that runs at a time (max_in_flight_tokens): as
    many as stages, and two while scheduling ahead, which is the default.
    """
    batches = max(2, setup.pipeline_parallel_size) if _is_since(setup, 0, 26) else 1
    return setup.max_num_batched_tokens * batches


def longest(model: Model, setup: Setup, pp_rank: int, cache_bytes: float) -> int:
    """The longest request that the rank's cache holds; 0 where not one token fits."""
    found = pool(model, setup, pp_rank)
    usable = found.blocks(cache_bytes) - 1
    if not found.block_bytes:
        return model.max_model_len
    in_flight = in_flight_tokens(setup)
    low, high = 0, model.max_model_len
    while low < high:
        middle = (low + high + 1) // 2
        if found.blocks_for(middle, in_flight) <= usable:
            low = middle
        else:
            high = middle - 1
    return low


def _counted(model: Model, setup: Setup, stages: range | tuple[int, ...]) -> dict[Cache, int]:
    found: dict[Cache, int] = defaultdict(int)
    for pp_rank in stages:
        for layer in layers_of(model, setup, pp_rank):
            if layer.cache is not None:
                found[layer.cache] += 1
    if not setup.hybrid_kv_cache_manager:
        return _all_full(found)
    return found


def _all_full(found: dict[Cache, int]) -> dict[Cache, int]:
    """With the hybrid manager off every sliding layer is cached at full length."""
    merged: dict[Cache, int] = defaultdict(int)
    for kind, count in found.items():
        is_sliding = kind.kind == "sliding"
        full = Cache("full", kind.kv_heads, kind.head_dim, kind.value_dim) if is_sliding else kind
        merged[full] += count
    return merged


def _groups(
    every: dict[Cache, int], here: dict[Cache, int], setup: Setup, dtype: str, block: int
) -> tuple[Group, ...]:
    """One page size for all: a smaller page takes more tokens where that comes out even."""
    pages = {kind: _page_bytes(kind, setup, dtype, block) for kind in every}
    page = max(pages.values())
    size = _group_size(list(every.values()))
    groups: list[Group] = []
    for kind, count in every.items():
        is_even = kind.kind != "state" and pages[kind] > 0 and page % pages[kind] == 0
        held = block * (page // pages[kind]) if is_even else block
        alike = -(-count // size)
        # a stage's layers of one kind are dealt out over the groups of that kind
        layers = size if here == every else min(-(-here.get(kind, 0) // alike), size)
        groups += [Group(kind, layers, page, held, _state_blocks(kind, setup))] * alike
    return tuple(groups)


def _state_blocks(kind: Cache, setup: Setup) -> int:
    """Of a request's state; 0 where it is kept for each block, or there is none (mamba_cache_mode).

    One, two while prefixes are cached ("align"); Mamba 2 kept all of them below 0.32 ("all").
    """
    if kind.kind != "state":
        return 0
    if not setup.enable_prefix_caching:
        return 1
    return 0 if kind.keeps_prefixes and not _is_since(setup, 0, 32) else 2


def _is_since(setup: Setup, *version: int) -> bool:
    return require(setup.vllm_version, "vLLM version") >= version


def _group_size(counts: list[int]) -> int:
    least, most = min(counts), max(counts)
    return most if most < least * _MERGED else least


def _page_bytes(kind: Cache, setup: Setup, dtype: str, block: int) -> int:
    if kind.kind == "state":
        return -(-kind.state_bytes // setup.tensor_parallel_size)
    return int(token_bytes(kind, setup, dtype) * block)


def _block_tokens(counts: dict[Cache, int], setup: Setup, dtype: str) -> int:
    """Tokens of a block: the setting, raised until an attention page holds a state."""
    states = [kind for kind in counts if kind.kind == "state"]
    attending = [kind for kind in counts if kind.kind != "state"]
    block = setup.block_size
    if not states or not attending:
        return block
    if any(kind.kind == "mla" for kind in attending):
        block = max(block, _LATENT_BLOCK)
    state = max(_page_bytes(kind, setup, dtype, 0) for kind in states)
    token = max(token_bytes(kind, setup, dtype) for kind in attending)
    return block * max(-(-state // int(block * token)), 1)
