"""The words of planning: what a model is made of, what a card offers, how a server is set, and
what each of its ranks then holds.

Sizes are exact integers in bytes where they are computed and `_gib` where a person reads them.
A rank is one process of one server on one card: rank = pp_rank x tensor_parallel_size + tp_rank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from preflight.findings import Basis

GIB = 1 << 30


def _hashed_once(self: object) -> int:
    """The hash of a frozen dataclass, kept beside its fields: models are deep keys of caches."""
    kept: dict[str, Any] = vars(self)
    if "_hash" not in kept:
        kept["_hash"] = hash(tuple(kept.values()))
    return int(kept["_hash"])


# How tensor parallelism cuts a matrix: its outputs, its inputs, by key/value head (copied where
# there are more ranks than heads), by row of the vocabulary, or not at all.
Split = Literal["outputs", "inputs", "kv-heads", "vocabulary", "none"]


@dataclass(frozen=True)
class Format:
    """How a matrix is stored, and thereby which kernel multiplies with it.

    One weight takes `bits` / 8 bytes; each group of `group_size` inputs adds `group_bytes`, each
    output `output_bytes`, each input `input_bytes`.
    """

    name: str  # "bf16", "fp8", "fp8-block", "int8", "awq", "gptq", "mxfp4", "nvfp4", "nf4" …
    bits: float
    group_size: int = 0  # 0: no groups
    group_bytes: float = 0.0
    output_bytes: float = 0.0
    input_bytes: float = 0.0
    computes_in: str = "bf16"  # of the multiplication where the card has it: "fp8", "int8", "fp4"
    has_zeros: bool = False  # each group stores a zero point of `bits` too, within `group_bytes`


AS_DECLARED = Format("as-declared", 16)  # until the checkpoint's own declaration is asked


@dataclass(frozen=True)
class Matrix:
    """One weight of a layer, or `copies` like it (experts), of which a token uses `used`."""

    name: str  # the last words of the checkpoint's name: "self_attn.q_proj"
    inputs: int
    outputs: int
    split: Split
    format: Format = AS_DECLARED
    copies: int = 1
    used: float = 1.0
    bias: bool = False
    heads: int = 0  # key/value heads, of split "kv-heads"
    held_in: str = ""  # the one tensor in which vLLM holds it with its neighbours: "qkv"
    derived_bytes: int = 0  # that vLLM computes from it and keeps beside it, split the same way

    __hash__ = _hashed_once

    @property
    def parameters(self) -> int:
        return self.copies * (self.inputs * self.outputs + (self.outputs if self.bias else 0))


@dataclass(frozen=True)
class Cache:
    """What one layer keeps of each request between steps.

    `full` and `sliding` keep keys and values of each head, `mla` one vector a token on every
    tensor-parallel rank, `state` a block of fixed size, whatever the length.
    """

    kind: Literal["full", "sliding", "mla", "state"]
    kv_heads: int = 0
    head_dim: int = 0  # of keys
    value_dim: int = 0  # of values
    window_tokens: int = 0  # of sliding attention
    latent_dim: int = 0  # of MLA: values a token
    index_bytes: int = 0  # of MLA's sparse index, a token
    state_bytes: int = 0  # of a state, undivided
    keeps_prefixes: bool = False  # below vLLM 0.32 a state for each block, to find prefixes again


@dataclass(frozen=True)
class Layer:
    """One of the model's layers: its weights and what it caches; `cache` None: only an MLP."""

    matrices: tuple[Matrix, ...]
    cache: Cache | None
    query_heads: int = 0  # 0 where there is no softmax attention
    head_dim: int = 0
    mlp_width: int = 0  # intermediate size of the dense MLP, shared experts with it
    is_gated: bool = True  # the MLP has a gate beside its way up
    expert_width: int = 0  # intermediate size of one expert
    experts: int = 0
    experts_used: int = 0  # by a token
    norm_bytes: int = 0  # small vectors, on every rank

    __hash__ = _hashed_once


@dataclass(frozen=True)
class Encoder:
    """The image encoder of a multimodal model, as the dummy step runs it."""

    width: int
    inner_width: int
    patches_per_token: int
    image_tokens: int  # that the largest image becomes


@dataclass(frozen=True)
class Model:
    """A model as its config.json tells of it, and its safetensors headers where they are there."""

    name: str
    architecture: str  # "LlamaForCausalLM"
    hidden_size: int
    vocab_size: int
    layers: tuple[Layer, ...]
    embedding: Matrix
    head: Matrix | None  # None: tied to the embedding
    max_model_len: int  # its own limit
    query_heads: int = 0
    kv_heads: int = 0
    format: Format = Format("bf16", 16)  # of the greater part of its linear layers
    kv_cache_dtype: str = "auto"  # "fp8" where the checkpoint asks for it
    other_weights: tuple[Matrix, ...] = ()  # vision tower and the like, on the first stage
    measured_bytes: int | None = None  # all weights by the safetensors headers
    takes_float16: bool = True  # False: it overflows there, and vLLM refuses it
    is_known: bool = True  # False: computed from the general fields of an unknown architecture
    notes: tuple[str, ...] = ()  # what was assumed, each a sentence
    encoder: Encoder | None = None
    rotary_bytes: int = 0  # table of positions, on every rank
    revision: str | None = None  # of the hub

    __hash__ = _hashed_once

    @property
    def parameters(self) -> int:
        matrices = [m for layer in self.layers for m in layer.matrices]
        matrices += [self.embedding, *self.other_weights, *([self.head] if self.head else [])]
        return sum(m.parameters for m in matrices)

    @property
    def parameters_used(self) -> float:
        """By one token: a mixture of experts uses a part of its weights."""
        return sum(
            m.parameters * m.used / m.copies for layer in self.layers for m in layer.matrices
        ) + sum(m.parameters for m in [self.head or self.embedding])


@dataclass(frozen=True)
class Device:
    """One card as the planner sees it; each figure's basis stands in `basis` by its name."""

    subject: str  # "gpu0"
    name: str  # "GeForce RTX 4090"
    memory_gib: float  # all that a CUDA program sees (cudaMemGetInfo), not the nominal size
    memory_used_gib: float | None  # by a desktop or another process; None: not read
    memory_gb_s: float  # nominal
    compute_capability: tuple[int, int]
    sm_count: int = 0
    tflops: Mapping[str, float] = field(default_factory=dict)  # nominal, dense: "bf16", "fp8" …
    measured_read_gb_s: float | None = None  # what a kernel read of its memory
    measured_tflops: Mapping[str, float] = field(default_factory=dict)  # what a kernel reached
    power_w: float | None = None
    form: Literal["geforce", "workstation", "data-center"] | None = None
    pcie_gb_s: float | None = None  # one way, host to card
    cuda_index: int = 0  # as CUDA counts the host's cards in the order of the bus
    basis: Mapping[str, Basis] = field(default_factory=dict)


@dataclass(frozen=True)
class Setup:
    """The settings of one server, all of them resolved; names and meaning are vLLM's."""

    vllm_version: str
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    gpu_memory_utilization: float = 0.92
    max_model_len: int = 0  # 0: the largest that fits
    max_num_seqs: int = 256
    max_num_batched_tokens: int = 2048
    dtype: str = "auto"  # 16 bits in any case: 32 are refused before
    kv_cache_dtype: str = "auto"
    block_size: int = 16
    enforce_eager: bool = False
    enable_expert_parallel: bool = False
    language_model_only: bool = False
    hybrid_kv_cache_manager: bool = True
    enable_prefix_caching: bool = True
    kv_cache_memory_bytes: int | None = None  # set by hand: no profiling, no utilization
    pp_layer_partition: tuple[int, ...] | None = None

    @property
    def ranks(self) -> int:
        return self.tensor_parallel_size * self.pipeline_parallel_size


@dataclass(frozen=True)
class Work:
    """What one step does with the weights of one format on one rank."""

    format: Format
    bytes_read: float
    flop: float


@dataclass(frozen=True)
class RankMemory:
    """One rank's share of its card, as vLLM's V1 engine accounts for it."""

    subject: str  # of the card
    tp_rank: int
    pp_rank: int
    layers: int
    requested_gib: float  # what vLLM lets itself take of the card
    weights_gib: float
    activation_gib: float  # peak of the dummy step, with the sampler's
    context_gib: float  # CUDA context, NCCL, workspaces
    graphs_gib: float  # 0 when eager
    kv_cache_gib: float  # what is left of the request; may be negative
    kv_blocks: int  # of which the server uses the smallest over its ranks

    @property
    def total_gib(self) -> float:
        """All that the rank takes, with its KV cache."""
        parts = self.weights_gib + self.activation_gib + self.context_gib + self.graphs_gib
        return parts + max(self.kv_cache_gib, 0.0)


@dataclass(frozen=True)
class Refusal:
    """Why a server cannot run so; `instead` is the nearest that could, for a person."""

    reason: str
    instead: str = ""
    kind: Literal[
        "heads", "experts", "layers", "cards", "memory", "format", "length", "in-use", "peers"
    ] = "memory"


@dataclass(frozen=True)
class Memory:
    """What a server's memory comes to. With a refusal the figures are those that led to it."""

    ranks: tuple[RankMemory, ...]  # () where the refusal needs no figures
    kv_cache_tokens: int  # as vLLM prints them; 0 where nothing fits
    max_concurrency: float  # requests of the asked length that the cache holds at once
    max_model_len: int  # the largest that fits, at most the model's own
    max_num_seqs: int  # sensible: what the cache and the settings allow
    refusal: Refusal | None = None
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return self.refusal is None

    @property
    def fullest(self) -> RankMemory | None:
        """The rank with the least left for its cache."""
        return min(self.ranks, key=lambda rank: rank.kv_cache_gib, default=None)
