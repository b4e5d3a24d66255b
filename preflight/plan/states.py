"""Layers that keep a state of fixed size for each request, in place of keys and values.

Shapes as vLLM builds them (model_executor/layers/mamba, mamba_utils.py), names as in attention.py.
"""

from __future__ import annotations

from preflight.plan.attention import Attention, Heads
from preflight.plan.fields import Fields
from preflight.plan.formats import BF16
from preflight.plan.shapes import Cache, Matrix

_VALUE_BYTES = 2  # of what convolutions keep
_FP32 = 4


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
    width = config.whole("mamba_d_ssm", most=1 << 22, default=heads * dim)
    convolved = width + 2 * groups * state
    parts = (
        Matrix("mixer.in_proj", hidden, width + convolved + heads, "outputs"),
        Matrix("mixer.conv1d", kernel, convolved, "outputs", format=BF16),
        Matrix("mixer.out_proj", width, hidden, "inputs"),
    )
    kept = convolved * (kernel - 1) * 2 + width * state * state_value_bytes
    return Attention(parts, Cache("state", state_bytes=kept, keeps_prefixes=True))


def kimi_delta(config: Fields, hidden: int) -> Attention:
    """Kimi's delta attention: keys and values of all heads, a gate by way of a small matrix."""
    own = config.inner("linear_attn_config") or config
    heads = own.whole("num_heads", "linear_num_heads", most=1 << 14)
    dim = own.whole("linear_head_dim", "head_dim", most=1 << 14)
    kernel = own.whole("short_conv_kernel_size", "linear_conv_kernel_dim", most=1 << 8, default=4)
    width = heads * dim
    ways = ("f", "g") if not own.truth("use_full_rank_gate") else ("f",)
    parts = [
        Matrix(f"self_attn.{letter}_proj", hidden, width, "outputs", held_in="qkv")
        for letter in "qkv"
    ]
    for way in ways:
        parts.append(Matrix(f"self_attn.{way}_a_proj", hidden, dim, "none"))
        parts.append(Matrix(f"self_attn.{way}_b_proj", dim, width, "outputs"))
    if "g" not in ways:
        parts.append(Matrix("self_attn.g_proj", hidden, width, "outputs"))
    parts += [
        Matrix("self_attn.b_proj", hidden, heads, "outputs", format=BF16),
        Matrix("self_attn.conv1d", kernel, 3 * width, "outputs", format=BF16),
        Matrix("self_attn.o_proj", width, hidden, "inputs"),
    ]
    state = 3 * width * (kernel - 1) * _VALUE_BYTES + width * dim * _FP32
    return Attention(tuple(parts), Cache("state", state_bytes=state))


def mamba_1(config: Fields, hidden: int, state_value_bytes: int) -> Attention:
    """Mamba 1, as in Jamba."""
    width = hidden * config.whole("mamba_expand", "expand", most=64, default=2)
    state = config.whole("mamba_d_state", "state_size", most=1 << 14, default=16)
    kernel = config.whole("mamba_d_conv", "conv_kernel", most=1 << 8, default=4)
    usual = -(-hidden // 16)
    raw = config.raw.get("mamba_dt_rank")
    rank = usual if raw == "auto" else config.whole("mamba_dt_rank", most=1 << 16, default=usual)
    parts = (
        Matrix("mamba.in_proj", hidden, 2 * width, "outputs"),
        Matrix("mamba.conv1d", kernel, width, "outputs", format=BF16),
        Matrix("mamba.x_proj", width, rank + 2 * state, "inputs"),
        Matrix("mamba.dt_proj", rank, width, "outputs", format=BF16),
        Matrix("mamba.A", state, width, "outputs", format=BF16),
        Matrix("mamba.out_proj", width, hidden, "inputs"),
    )
    kept = width * (kernel - 1) * _VALUE_BYTES + width * state * state_value_bytes
    return Attention(parts, Cache("state", state_bytes=kept, keeps_prefixes=True))


def lightning(heads: Heads) -> Attention:
    """MiniMax-01's and M1's linear attention: a state for each head, and a gate at the end."""
    hidden, width = heads.hidden_size, heads.query_heads * heads.head_dim
    parts = (
        Matrix("self_attn.qkv_proj", hidden, 3 * width, "outputs"),
        Matrix("self_attn.output_gate", hidden, width, "outputs"),
        Matrix("self_attn.out_proj", width, hidden, "inputs"),
    )
    return Attention(parts, Cache("state", state_bytes=width * heads.head_dim * _VALUE_BYTES))


def short_convolution(config: Fields, hidden: int) -> Attention:
    """The gated convolution over a few tokens of LFM2."""
    kernel = config.whole("conv_L_cache", most=1 << 8, default=3)
    parts = (
        Matrix("conv.in_proj", hidden, 3 * hidden, "outputs"),
        Matrix("conv.conv", kernel, hidden, "outputs", format=BF16),
        Matrix("conv.out_proj", hidden, hidden, "inputs"),
    )
    return Attention(parts, Cache("state", state_bytes=hidden * (kernel - 1) * _VALUE_BYTES))
