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
    value_dim: int = 0  # of a head's values, 0: as of its keys


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
    value_dim = heads.value_dim or dim
    if not shares_cache:
        parts += [
            Matrix(
                f"self_attn.{letter}_proj",
                hidden,
                heads.kv_heads * each,
                "kv-heads",
                bias=bias,
                heads=heads.kv_heads,
                held_in="qkv",
            )
            for letter, each in (("k", dim), ("v", value_dim))
        ]
    width = heads.query_heads * value_dim
    parts.append(Matrix("self_attn.o_proj", width, hidden, "inputs", bias=heads.output_bias))
    is_sliding = kind == "sliding" and heads.window_tokens > 0
    cache = Cache(
        kind="sliding" if is_sliding else "full",
        kv_heads=heads.kv_heads,
        head_dim=dim,
        value_dim=value_dim,
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
