"""The part of a layer that works on each token alone: a dense MLP, or experts and a router."""

from __future__ import annotations

from dataclasses import dataclass, replace

from preflight.plan.fields import Fields
from preflight.plan.formats import BF16
from preflight.plan.shapes import Matrix

_MOST_WIDTH = 1 << 22
_MOST_EXPERTS = 1 << 13
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
_USED = ("num_experts_per_tok", "num_experts_per_token", "top_k_experts", "moe_topk", "moe_k")


@dataclass(frozen=True)
class Mlp:
    matrices: tuple[Matrix, ...] = ()
    width: int = 0
    is_gated: bool = True
    expert_width: int = 0
    experts: int = 0
    experts_used: int = 0


@dataclass(frozen=True)
class Experts:
    """What a config says of its mixture of experts."""

    count: int
    used: int
    width: int
    shared_width: int  # of all shared experts together, 0: none
    has_shared_gate: bool
    latent: int  # size in which routed experts work, 0: the hidden size
    bias: bool


def experts(config: Fields) -> Experts | None:
    """The mixture that this config describes, None for a dense model."""
    count = config.whole(*_EXPERTS, least=0, most=_MOST_EXPERTS, default=0)
    if count == 0:
        return None
    width = config.whole("moe_intermediate_size", "intermediate_size", most=_MOST_WIDTH)
    return Experts(
        count=count,
        used=config.whole(*_USED, most=count, default=min(2, count)),
        width=width,
        shared_width=_shared(config, width),
        has_shared_gate="shared_expert_intermediate_size" in config,
        latent=config.whole("moe_latent_size", least=0, most=_MOST_WIDTH, default=0),
        bias=config.truth("mlp_bias"),
    )


def _shared(config: Fields, width: int) -> int:
    if "shared_expert_intermediate_size" in config:
        return config.whole("shared_expert_intermediate_size", least=0, most=_MOST_WIDTH)
    if config.text("model_type").startswith("llama4"):
        return width
    count = config.whole("n_shared_experts", least=0, most=_MOST_EXPERTS, default=0)
    each = config.whole(
        "moe_shared_expert_intermediate_size", least=0, most=_MOST_WIDTH, default=width
    )
    return count * each


def is_sparse(config: Fields, layer: int) -> bool:
    """Whether the layer of that number holds experts, in a model that has some."""
    if layer < config.whole("first_k_dense_replace", least=0, most=1 << 12, default=0):
        return False
    if layer in config.numbers("mlp_only_layers", 1 << 12):
        return False
    step = config.whole("interleave_moe_layer_step", least=0, most=1 << 12, default=0)
    step = step or config.whole("decoder_sparse_step", "moe_layer_freq", most=1 << 12, default=1)
    return (layer + 1) % step == 0 if "moe_layer_freq" not in config else layer % step == 0


def dense(
    hidden: int, width: int, *, name: str = "mlp", gated: bool = True, bias: bool = False
) -> Mlp:
    """Up, through a gate where there is one, and down."""
    ups = ("gate_proj", "up_proj") if gated else ("up_proj",)
    parts = [
        Matrix(f"{name}.{up}", hidden, width, "outputs", bias=bias, held_in=f"{name}.up")
        for up in ups
    ]
    parts.append(Matrix(f"{name}.down_proj", width, hidden, "inputs", bias=bias))
    return Mlp(tuple(parts), width, gated)


def mixture(found: Experts, hidden: int, *, name: str = "mlp", gated: bool = True) -> Mlp:
    """A router, the experts among which it chooses, and those that every token takes."""
    inner = found.latent or hidden
    ups = ("gate_proj", "up_proj") if gated else ("up_proj",)
    one = f"{name}.experts.0."
    each = [Matrix(one + up, inner, found.width, "outputs", held_in=f"{name}.w13") for up in ups]
    each.append(Matrix(one + "down_proj", found.width, inner, "inputs"))
    parts = [Matrix(f"{name}.gate", hidden, found.count, "none", format=BF16)]
    parts += [
        replace(matrix, copies=found.count, used=found.used, bias=found.bias) for matrix in each
    ]
    if found.latent:
        parts.append(Matrix(f"{name}.fc1_latent_proj", hidden, inner, "none"))
        parts.append(Matrix(f"{name}.fc2_latent_proj", inner, hidden, "none"))
    if found.shared_width:
        shared = dense(hidden, found.shared_width, name=f"{name}.shared_expert", gated=gated)
        parts += shared.matrices
    if found.has_shared_gate:
        parts.append(Matrix(f"{name}.shared_expert_gate", hidden, 1, "none", format=BF16))
    return Mlp(tuple(parts), found.shared_width, gated, found.width, found.count, found.used)
