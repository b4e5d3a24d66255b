"""The attention of one layer: its matrices, and what it caches of each token or request.

Shapes as vLLM's model files build them (models/llama.py, deepseek_v2.py, qwen3_next.py,
layers/mamba). Names are those of the checkpoint, by which quantisation configs call them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from preflight.plan.fields import Fields
from preflight.plan.formats import BF16
from preflight.plan.shapes import Cache, Matrix

Kind = Literal["full", "sliding"]


@dataclass(frozen=True)
class Heads:
    """The dimensions that attention needs; the figures are the config's."""

    hidden_size: int
    query_heads: int
    kv_heads: int
    head_dim: int
    window_tokens: int
    qkv_bias: bool
    output_bias: bool
    has_gate: bool  # the query projection brings a gate of the same size


@dataclass(frozen=True)
class Attention:
    matrices: tuple[Matrix, ...]
    cache: Cache | None
    query_heads: int = 0
    head_dim: int = 0


def grouped(heads: Heads, kind: Kind, *, shares_cache: bool = False) -> Attention:
    """Softmax attention with one key/value head for a group of query heads.

    `shares_cache`: the layer reads an earlier layer's keys and values and has none of its own.
    """
    hidden, dim, bias = heads.hidden_size, heads.head_dim, heads.qkv_bias
    queries = heads.query_heads * dim * (2 if heads.has_gate else 1)
    parts = [Matrix("self_attn.q_proj", hidden, queries, "outputs", bias=bias, held_in="qkv")]
    if not shares_cache:
        parts += [
            Matrix(
                f"self_attn.{letter}_proj",
                hidden,
                heads.kv_heads * dim,
                "kv-heads",
                bias=bias,
                heads=heads.kv_heads,
                held_in="qkv",
            )
            for letter in "kv"
        ]
    width = heads.query_heads * dim
    parts.append(Matrix("self_attn.o_proj", width, hidden, "inputs", bias=heads.output_bias))
    is_sliding = kind == "sliding" and heads.window_tokens > 0
    cache = Cache(
        kind="sliding" if is_sliding else "full",
        kv_heads=heads.kv_heads,
        head_dim=dim,
        value_dim=dim,
        window_tokens=heads.window_tokens if is_sliding else 0,
    )
    return Attention(tuple(parts), None if shares_cache else cache, heads.query_heads, dim)


def latent(config: Fields, hidden: int, heads: int) -> Attention:
    """Multi-head latent attention: one compressed vector a token, the same on every rank.

    vLLM keeps the two halves of kv_b_proj in 16 bits besides (MLACommonImpl,
    process_weights_after_loading).
    """
    rank = config.whole("kv_lora_rank", most=1 << 16)
    rope = config.whole("qk_rope_head_dim", most=1 << 14)
    nope = config.whole("qk_nope_head_dim", most=1 << 14)
    value = config.whole("v_head_dim", most=1 << 14)
    query_rank = config.whole("q_lora_rank", least=0, most=1 << 16, default=0)
    parts: list[Matrix] = []
    if query_rank:
        parts += [
            Matrix("self_attn.q_a_proj", hidden, query_rank, "none", held_in="qkv_a"),
            Matrix("self_attn.q_b_proj", query_rank, heads * (nope + rope), "outputs"),
        ]
    else:
        parts.append(Matrix("self_attn.q_proj", hidden, heads * (nope + rope), "outputs"))
    widened = heads * (nope + value)
    parts += [
        Matrix("self_attn.kv_a_proj_with_mqa", hidden, rank + rope, "none", held_in="qkv_a"),
        Matrix("self_attn.kv_b_proj", rank, widened, "outputs", derived_bytes=2 * rank * widened),
        Matrix("self_attn.o_proj", heads * value, hidden, "inputs"),
    ]
    index_bytes = 0
    if "index_head_dim" in config:
        parts += _index(config, hidden, query_rank or hidden)
        # one byte a value and a 4-byte scale for each 128 of them
        index_bytes = config.whole("index_head_dim", most=1 << 14) * 132 // 128
    cache = Cache("mla", latent_dim=rank + rope, index_bytes=index_bytes)
    return Attention(tuple(parts), cache, heads, nope + rope)


def _index(config: Fields, hidden: int, query_rank: int) -> list[Matrix]:
    heads = config.whole("index_n_heads", most=1 << 12)
    dim = config.whole("index_head_dim", most=1 << 14)
    return [
        Matrix("self_attn.indexer.wq_b", query_rank, heads * dim, "none"),
        Matrix("self_attn.indexer.wk", hidden, dim, "none"),
        Matrix("self_attn.indexer.weights_proj", hidden, heads, "none", format=BF16),
    ]


def delta_net(config: Fields, hidden: int, state_value_bytes: int) -> Attention:
    """Gated delta net, the linear attention of Qwen3-Next and later."""
    key_heads = config.whole("linear_num_key_heads", most=1 << 14)
    value_heads = config.whole("linear_num_value_heads", most=1 << 14)
    key_dim = config.whole("linear_key_head_dim", most=1 << 14)
    value_dim = config.whole("linear_value_head_dim", most=1 << 14)
    kernel = config.whole("linear_conv_kernel_dim", most=1 << 8, default=4)
    keys, values = key_heads * key_dim, value_heads * value_dim
    convolved = 2 * keys + values
    parts = (
        Matrix("linear_attn.in_proj_qkv", hidden, convolved, "outputs", held_in="qkvz"),
        Matrix("linear_attn.in_proj_z", hidden, values, "outputs", held_in="qkvz"),
        Matrix("linear_attn.in_proj_ba", hidden, 2 * value_heads, "outputs", format=BF16),
        Matrix("linear_attn.conv1d", kernel, convolved, "outputs", format=BF16),
        Matrix("linear_attn.out_proj", values, hidden, "inputs"),
    )
    state = convolved * (kernel - 1) * 2 + values * key_dim * state_value_bytes
    return Attention(parts, Cache("state", state_bytes=state))


def state_space(config: Fields, hidden: int, state_value_bytes: int) -> Attention:
    """Mamba 2, the state-space layer of Nemotron-H."""
    heads = config.whole("mamba_num_heads", "mamba_n_heads", most=1 << 14)
    dim = config.whole("mamba_head_dim", "mamba_d_head", most=1 << 14)
    state = config.whole("ssm_state_size", "mamba_d_state", most=1 << 14)
    groups = config.whole("n_groups", "mamba_n_groups", most=1 << 12, default=1)
    kernel = config.whole("conv_kernel", "mamba_d_conv", most=1 << 8, default=4)
    width = heads * dim
    convolved = width + 2 * groups * state
    parts = (
        Matrix("mixer.in_proj", hidden, width + convolved + heads, "outputs"),
        Matrix("mixer.conv1d", kernel, convolved, "outputs", format=BF16),
        Matrix("mixer.out_proj", width, hidden, "inputs"),
    )
    kept = convolved * (kernel - 1) * 2 + width * state * state_value_bytes
    return Attention(parts, Cache("state", state_bytes=kept, keeps_prefixes=True))
