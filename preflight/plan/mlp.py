"""The part of a layer that works on each token alone: a dense MLP, or experts and a router."""

from __future__ import annotations

from dataclasses import dataclass, replace

from preflight.plan.fields import Fields
from preflight.plan.formats import BF16
from preflight.plan.shapes import Matrix

_MOST_WIDTH = 1 << 22
_MOST_EXPERTS = 1 << 13
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
_USED = (
    *("num_experts_per_tok", "num_experts_per_token"),
    *("top_k_experts", "moe_topk", "moe_top_k", "moe_k"),
)
_SHARED = ("n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert")
_SHARED_WIDTH = ("shared_expert_intermediate_size", "shared_intermediate_size", "share_expert_dim")
_EXPERT_WIDTH = ("moe_intermediate_size", "expert_ffn_hidden_size", "intermediate_size")
_LATENT = ("moe_latent_size", "routed_expert_hidden_size")
_FIRST = ("first_k_dense_replace", "moe_layer_start_index", "num_dense_layers")
_MOST_LAYERS = 1 << 12


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
    count = config.largest(*_EXPERTS, least=0, most=_MOST_EXPERTS, default=0)
    if count == 0:
        return None
    width = config.largest(*_EXPERT_WIDTH, most=_MOST_WIDTH)
    return Experts(
        count=count,
        used=config.largest(*_USED, most=count, default=min(2, count)),
        width=width,
        shared_width=_shared(config, width),
        has_shared_gate="shared_expert_intermediate_size" in config,
        latent=config.whole(*_LATENT, least=0, most=_MOST_WIDTH, default=0),
        bias=config.truth("mlp_bias"),
    )


def _shared(config: Fields, width: int) -> int:
    if any(key in config for key in _SHARED_WIDTH):
        return config.whole(*_SHARED_WIDTH, least=0, most=_MOST_WIDTH)
    if config.text("model_type").startswith("llama4"):
        return width
    if config.truth("enable_moe_block"):  # Gemma 4: the dense MLP stays, beside the experts
        return config.whole("intermediate_size", most=_MOST_WIDTH)
    if "expert_ffn_hidden_size" in config:  # LongCat: likewise
        return config.whole("ffn_hidden_size", most=_MOST_WIDTH)
    count = config.largest(*_SHARED, least=0, most=_MOST_EXPERTS, default=0)
    each = config.whole(
        "moe_shared_expert_intermediate_size", least=0, most=_MOST_WIDTH, default=width
    )
    return count * each


def is_sparse(config: Fields, layer: int) -> bool:
    """Whether the layer of that number holds experts, in a model that has some."""
    listed = _listed(config, layer)
    if listed is not None:
        return listed
    if layer < config.largest(*_FIRST, least=0, most=_MOST_LAYERS, default=0):
        return False
    if layer in config.numbers("mlp_only_layers", _MOST_LAYERS):
        return False
    if "expert_layer_period" in config:
        offset = config.whole("expert_layer_offset", least=0, most=_MOST_LAYERS, default=0)
        return layer % config.whole("expert_layer_period", most=_MOST_LAYERS) == offset
    step = config.whole("interleave_moe_layer_step", least=0, most=1 << 12, default=0)
    step = step or config.whole("decoder_sparse_step", "moe_layer_freq", most=1 << 12, default=1)
    return (layer + 1) % step == 0 if "moe_layer_freq" not in config else layer % step == 0


def _listed(config: Fields, layer: int) -> bool | None:
    """What a list of layers says; None where there is none that tells."""
    named = config.words("mlp_layer_types", _MOST_LAYERS)
    if named:
        return layer < len(named) and named[layer] != "dense"
    if "moe_layers" in config:  # Llama 4: numbers of layers
        return layer in config.numbers("moe_layers", _MOST_LAYERS)
    if "moe_layers_enum" in config:  # Step: the same in one text
        return str(layer) in config.text("moe_layers_enum").replace(" ", "").split(",")
    if isinstance(config.raw.get("moe_layer_freq"), list):
        flags = config.numbers("moe_layer_freq", _MOST_LAYERS)
        return layer < len(flags) and flags[layer] > 0
    return None


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
