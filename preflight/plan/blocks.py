"""Layers that a search shaped one by one, as Nemotron's Puzzle models list them.

Source: vllm/model_executor/models/nemotron_nas.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.plan.fields import Fields

_MULTIPLE = 256  # to which a width that is given as a multiplier is rounded up
_MOST_HEADS = 1 << 14
_MOST_WIDTH = 1 << 22


@dataclass(frozen=True)
class Block:
    """One layer: 0 where it has no attention, or no MLP."""

    kv_heads: int
    mlp_width: int


def searched(config: Fields, most: int) -> tuple[Block, ...]:
    """Of a config with `block_configs`; () for any other."""
    return tuple(
        Block(_kv_heads(config, one.inner("attention")), _mlp_width(config, one.inner("ffn")))
        for one in config.objects("block_configs", most)
    )


def _kv_heads(config: Fields, attention: Fields | None) -> int:
    if attention is None or attention.truth("no_op") or attention.truth("replace_with_linear"):
        return 0
    queries = config.whole("num_attention_heads", most=_MOST_HEADS)
    return max(queries // attention.whole("n_heads_in_group", most=_MOST_HEADS, default=1), 1)


def _mlp_width(config: Fields, ffn: Fields | None) -> int:
    if ffn is None or ffn.truth("no_op") or ffn.truth("replace_with_linear"):
        return 0
    if "ffn_mult" not in ffn:
        return ffn.whole("intermediate_size", most=_MOST_WIDTH)
    hidden = config.whole("hidden_size", most=_MOST_WIDTH)
    wanted = int(2 * ffn.number("ffn_mult", 1.0, most=64) * hidden / 3)
    return -(-wanted // _MULTIPLE) * _MULTIPLE
