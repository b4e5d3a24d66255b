"""Which kind each layer of a model is, as its config lists or implies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from preflight.errors import UsageError
from preflight.plan import mlp
from preflight.plan.architectures import Architecture
from preflight.plan.fields import HINT, Fields

MOST_LAYERS = 2048
_LONGEST = 1 << 30
_NAMED: dict[str, Literal["full", "sliding", "delta-net", "state-space"]] = {
    "full_attention": "full",
    "attention": "full",
    "global": "full",
    "sliding_attention": "sliding",
    "local": "sliding",
    "chunked_attention": "sliding",
    "linear_attention": "delta-net",
    "mamba": "state-space",
}
# Nemotron-H writes a letter for each layer, which is one mixer alone.
_LETTERS = {
    "M": ("state-space", "none"),
    "*": ("full", "none"),
    "-": ("none", "dense"),
    "E": ("none", "experts"),
}


@dataclass(frozen=True)
class LayerKind:
    mixer: Literal["full", "sliding", "delta-net", "state-space", "none"]
    mlp: Literal["dense", "experts", "none"]
    is_alone: bool = False  # a layer of one mixer, with no MLP of its own
    shares_cache: bool = False


def kinds(config: Fields, known: Architecture) -> tuple[LayerKind, ...]:
    """One for each layer, in their order."""
    pattern = config.text("hybrid_override_pattern")
    if pattern:
        return _by_letters(config, pattern)
    count = config.whole("num_hidden_layers", "n_layer", most=MOST_LAYERS)
    has_experts = mlp.experts(config) is not None
    sharing = config.whole("num_kv_shared_layers", least=0, most=count, default=0)
    return tuple(
        LayerKind(
            mixer,
            "experts" if has_experts and mlp.is_sparse(config, index) else "dense",
            shares_cache=index >= count - sharing,
        )
        for index, mixer in enumerate(_mixers(config, known, count))
    )


def _by_letters(config: Fields, pattern: str) -> tuple[LayerKind, ...]:
    wrong = sorted(set(pattern) - _LETTERS.keys())
    if wrong:
        raise UsageError(f"{config.name}: hybrid_override_pattern holds {wrong[0]!r:.10}", HINT)
    return tuple(LayerKind(*_LETTERS[letter], is_alone=True) for letter in pattern)  # type: ignore[arg-type]


def _mixers(
    config: Fields, known: Architecture, count: int
) -> list[Literal["full", "sliding", "delta-net", "state-space"]]:
    named = config.words("layer_types", MOST_LAYERS)
    if named:
        # in an architecture that is not known, what is not known counts as full attention: the most
        unknown = [word for word in named if word not in _NAMED] if known.is_known else []
        if unknown or len(named) != count:
            what = f"holds {unknown[0]!r:.40}" if unknown else f"has {len(named)} of {count} layers"
            raise UsageError(f"{config.name}: layer_types {what}", HINT)
        return [_NAMED.get(word, "full") for word in named]
    every = config.whole("full_attention_interval", least=0, most=MOST_LAYERS, default=0)
    if every and "linear_num_key_heads" in config:
        return ["full" if (index + 1) % every == 0 else "delta-net" for index in range(count)]
    if not window(config):
        return ["full"] * count
    every = config.whole(
        "sliding_window_pattern", least=0, most=MOST_LAYERS, default=known.sliding_every
    )
    if not every:
        return ["sliding"] * count
    return ["full" if (index + 1) % every == 0 else "sliding" for index in range(count)]


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
        "seq_length",
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
