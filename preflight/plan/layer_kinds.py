"""Which kind each layer of a model is, as its config lists or implies it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from preflight.errors import UsageError
from preflight.plan import blocks, mlp
from preflight.plan.architectures import Architecture
from preflight.plan.fields import Fields

COUNTS = ("num_hidden_layers", "n_layer", "num_layers")
MOST_LAYERS = 2048
_LONGEST = 1 << 30
Mixer: TypeAlias = Literal[
    "full",
    "sliding",
    "delta-net",
    "kimi-delta",
    "lightning",
    "state-space",
    "mamba-1",
    "short-conv",
    "none",
]
_NAMED: dict[str, Mixer] = {
    "full_attention": "full",
    "attention": "full",
    "global": "full",
    "indexed_attention": "full",
    "deepseek_sparse_attention": "full",
    "sliding_attention": "sliding",
    "local": "sliding",
    "chunked_attention": "sliding",
    "conv": "short-conv",
}
_LINEAR = ("linear_attention", "mamba")  # which of them the config's other fields tell
# Nemotron-H writes a letter for each layer, which is one mixer alone.
_LETTERS = {
    "M": ("state-space", "none"),
    "*": ("full", "none"),
    "-": ("none", "dense"),
    "E": ("none", "experts"),
}
# Its later configs' words for them
_BLOCKS = {
    "mamba": "M",
    "linear_attention": "M",
    "attention": "*",
    "full_attention": "*",
    "mlp": "-",
    "moe": "E",
}


@dataclass(frozen=True)
class LayerKind:
    mixer: Mixer
    mlp: Literal["dense", "experts", "none"]
    block: int = 0  # its number in the checkpoint's names
    is_alone: bool = False  # a layer of one mixer, with no MLP of its own
    shares_cache: bool = False
    kv_heads: int = 0  # of its own; 0: as the config says for all
    mlp_width: int = 0  # likewise


def kinds(config: Fields, known: Architecture) -> tuple[LayerKind, ...]:
    """One for each layer, in their order."""
    pattern = config.text("hybrid_override_pattern") or _pattern(config)
    if pattern:
        return _by_letters(config, pattern)
    searched = blocks.searched(config, MOST_LAYERS)
    if searched:
        return tuple(_searched(one, index) for index, one in enumerate(searched))
    count = config.whole(*COUNTS, most=MOST_LAYERS)
    has_experts = mlp.experts(config) is not None
    sharing = config.whole("num_kv_shared_layers", least=0, most=count, default=0)
    found = [
        LayerKind(
            mixer,
            "experts" if has_experts and mlp.is_sparse(config, index) else "dense",
            block=index,
            shares_cache=index >= count - sharing,
        )
        for index, mixer in enumerate(_mixers(config, known, count))
    ]
    if known.second_mixer == "state-space":
        return _doubled(
            [(replace(one, mlp="none"), replace(one, mixer="state-space")) for one in found]
        )
    if known.second_mixer == "attention":
        return _doubled([(replace(one, mlp="dense"), one) for one in found])
    return tuple(found)


def _doubled(blocks: list[tuple[LayerKind, LayerKind]]) -> tuple[LayerKind, ...]:
    """Blocks with two mixers count as two layers, each with a cache."""
    return tuple(one for block in blocks for one in block)


def _searched(one: blocks.Block, index: int) -> LayerKind:
    return LayerKind(
        "full" if one.kv_heads else "none",
        "dense" if one.mlp_width else "none",
        block=index,
        kv_heads=one.kv_heads,
        mlp_width=one.mlp_width,
    )


def _pattern(config: Fields) -> str:
    """The letters of a config that writes words for layers of one mixer each."""
    words = config.words("layers_block_type", MOST_LAYERS)
    is_each = bool({"mlp", "moe"} & set(words)) and set(words) <= _BLOCKS.keys()
    return "".join(_BLOCKS[word] for word in words) if is_each else ""


def _by_letters(config: Fields, pattern: str) -> tuple[LayerKind, ...]:
    wrong = sorted(set(pattern) - _LETTERS.keys())
    if wrong:
        raise UsageError(f"{config.name}: hybrid_override_pattern holds {wrong[0]!r:.10}")
    return tuple(
        LayerKind(*_LETTERS[letter], block=index, is_alone=True)  # type: ignore[arg-type]
        for index, letter in enumerate(pattern)
    )


def _mixers(config: Fields, known: Architecture, count: int) -> list[Mixer]:
    named = config.words("layer_types", MOST_LAYERS)
    if named:
        return _by_names(config, known, count, named)
    attending = _attending(config, count)
    if attending is not None:
        return ["full" if index in attending else _linear(config) for index in range(count)]
    slides = config.numbers("hybrid_layer_pattern", MOST_LAYERS)
    if len(slides) == count:
        return ["sliding" if one else "full" for one in slides]
    every = config.whole("full_attention_interval", least=0, most=MOST_LAYERS, default=0)
    if every and "linear_num_key_heads" in config:
        return ["full" if (index + 1) % every == 0 else "delta-net" for index in range(count)]
    if not window(config):
        return ["full"] * count
    every = _every(config, known)
    if not every:
        return ["sliding"] * count
    return ["full" if (index + 1) % every == 0 else "sliding" for index in range(count)]


def _every(config: Fields, known: Architecture) -> int:
    """One layer in so many is full; EXAONE spells the period, "LLLG"."""
    if isinstance(config.raw.get("sliding_window_pattern"), str):
        return len(config.text("sliding_window_pattern"))
    return config.whole(
        "sliding_window_pattern", least=0, most=MOST_LAYERS, default=known.sliding_every
    )


def _by_names(
    config: Fields, known: Architecture, count: int, named: tuple[str, ...]
) -> list[Mixer]:
    # in an architecture that is not known, what is not known counts as full attention: the most
    names = {**_NAMED, **dict.fromkeys(_LINEAR, _linear(config))}
    unknown = [word for word in named if word not in names] if known.is_known else []
    if unknown or len(named) != count:
        what = f"holds {unknown[0]!r:.40}" if unknown else f"has {len(named)} of {count} layers"
        raise UsageError(f"{config.name}: layer_types {what}")
    return [names.get(word, "full") for word in named]


def _attending(config: Fields, count: int) -> frozenset[int] | None:
    """Numbers of the layers with full attention among others, where a config lists them."""
    kimi = config.inner("linear_attn_config")
    if kimi is not None and "full_attn_layers" in kimi:  # counted from 1
        return frozenset(number - 1 for number in kimi.numbers("full_attn_layers", MOST_LAYERS))
    for key in ("attn_layer_indices", "full_attn_idxs"):
        if key in config:
            return frozenset(config.numbers(key, MOST_LAYERS))
    flags = config.numbers("attn_type_list", MOST_LAYERS)
    if flags:
        return frozenset(index for index, flag in enumerate(flags) if flag)
    if "attn_layer_period" in config:
        period = config.whole("attn_layer_period", most=MOST_LAYERS)
        offset = config.whole("attn_layer_offset", least=0, most=MOST_LAYERS, default=0)
        return frozenset(range(offset, count, period))
    return None


def _linear(config: Fields) -> Mixer:
    """The kind of layer that is not attention, by the fields that size it."""
    if "mamba_n_heads" in config or "mamba_num_heads" in config:
        return "state-space"
    if "linear_attn_config" in config or "linear_num_heads" in config:
        return "kimi-delta"
    if "mamba_d_state" in config:
        return "mamba-1"
    if "attn_type_list" in config:
        return "lightning"
    return "short-conv" if "conv_L_cache" in config else "delta-net"


def window(config: Fields) -> int:
    """Tokens that sliding layers look back; 0 where none slides.

    `use_sliding_window` is how Qwen writes a window down and leaves it off.
    """
    if not config.truth("use_sliding_window", True):
        return 0
    return config.whole("sliding_window", "attention_chunk_size", least=0, most=_LONGEST, default=0)


def longest(config: Fields) -> int:
    """The model's own limit in tokens, as vLLM derives it: YaRN and its kin are a factor on it."""
    plain = config.whole(
        "max_position_embeddings",
        "n_positions",
        "max_sequence_length",
        "max_seq_len",
        "seq_length",
        "model_max_length",
        most=_LONGEST,
        default=2048,
    )
    scaling = config.inner("rope_scaling") or config.inner("rope_parameters")
    if scaling is None:
        return plain
    kind = scaling.text("rope_type") or scaling.text("type")
    if kind not in ("yarn", "linear", "dynamic"):
        return plain
    factor = scaling.number("factor", 1.0, most=4096)
    original = scaling.whole("original_max_position_embeddings", most=_LONGEST, default=plain)
    return int(original * factor) if kind == "yarn" else int(plain * factor)
