"""A Hugging Face config.json as a Model: layer by layer, each matrix in its format.

What the config leaves out is what its class assumes (architectures.yaml). An architecture that is
not known is computed from its general fields, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from preflight.errors import UsageError
from preflight.plan import attention, layer_kinds, mlp, per_layer, states, vision
from preflight.plan.architectures import Architecture, architecture
from preflight.plan.attention import Attention, Heads
from preflight.plan.fields import Fields, document
from preflight.plan.formats import BF16, FP32
from preflight.plan.layer_kinds import LayerKind
from preflight.plan.mlp import Experts, Mlp
from preflight.plan.quantisation import Quantisation, quantisation
from preflight.plan.shapes import AS_DECLARED, Layer, Matrix, Model

_TEXT = ("text_config", "llm_config", "language_config")
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", "num_attention_groups")
_HEAD_DIM = ("head_dim", "attention_head_dim", "kv_channels")
_OWN_WIDTHS = ("intermediate_size_mlp", "dense_intermediate_size", "block_ff_dim")
_WIDTHS = ("intermediate_size", "n_inner", "ffn_hidden_size", "ffn_dim")
_MOST_WIDTH = 1 << 22
_POOLING = ("ForSequenceClassification", "ForTokenClassification", "ForRewardModel")
_BODIES = (
    "LlamaModel",
    "MistralModel",
    "Qwen2Model",
    "Qwen3Model",
    "Gemma2Model",
    "Gemma3TextModel",
)
_MOST_SIZE = 1 << 20
_MOST_PARAMETERS = 10**14
_STATE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "auto": 2}


def read(text: str | bytes, name: str, quantised: str | bytes | None = None) -> Model:
    """The model of that config.json; UsageError in one line where it describes none.

    `quantised` is the text of a hf_quant_config.json, which ModelOpt writes beside it.
    """
    outer = Fields(document(text, name), name)
    inner = next((found for key in _TEXT if (found := outer.inner(key))), outer)
    kind = inner.text("model_type") or outer.text("model_type")
    known = architecture(kind)
    config = Fields({**known.defaults, **_given(outer), **_given(inner)}, name)
    declared = _quantisation_of(outer, inner)
    if declared is None and quantised is not None:
        beside = Fields(document(quantised, name), f"{name}: hf_quant_config.json")
        declared = beside.inner("quantization")
    quant = quantisation(declared)
    parts = _Parts(config, known, quant, _heads(config, known), mlp.experts(config))
    layers = parts.layers(layer_kinds.kinds(config, known))
    model = _model(parts, layers, outer, name)
    if model.parameters > _MOST_PARAMETERS:
        raise UsageError(f"{name}: {model.parameters:.3g} parameters are more than any model has")
    return model


def _given(config: Fields) -> dict[str, object]:
    return {key: value for key, value in config.raw.items() if value is not None}


def _quantisation_of(outer: Fields, inner: Fields) -> Fields | None:
    for config in (outer, inner):
        for key in ("quantization_config", "compression_config"):
            found = config.inner(key)
            if found is not None:
                return found
    return None


def _heads(config: Fields, known: Architecture) -> Heads:
    hidden = config.whole("hidden_size", "n_embd", "d_model", most=_MOST_SIZE)
    queries = config.whole("num_attention_heads", "n_head", most=1 << 14)
    kv_heads = config.whole(*_KV_HEADS, most=1 << 14, default=queries)
    if config.truth("multi_query") and not config.truth("new_decoder_architecture"):
        kv_heads = 1  # Falcon and GPT-BigCode, whatever the other field says
    if "multi_query_group_num" in config:  # ChatGLM
        kv_heads = config.whole("multi_query_group_num", most=1 << 14)
    dim = config.whole(*_HEAD_DIM, most=1 << 14, default=max(hidden // queries, 1))
    if queries % kv_heads and "kv_lora_rank" not in config:
        raise UsageError(
            f"{config.name}: {queries} query heads do not divide among {kv_heads} of keys"
        )
    has_bias = config.truth("attention_bias")
    return Heads(
        hidden_size=hidden,
        query_heads=queries,
        kv_heads=kv_heads,
        head_dim=dim,
        window_tokens=layer_kinds.window(config),
        qkv_bias=has_bias or known.qkv_bias or config.truth("qkv_bias"),
        output_bias=has_bias,
        has_gate=config.truth("attn_output_gate"),
        value_dim=config.whole("v_head_dim", most=1 << 14, default=dim),
    )


@dataclass(frozen=True)
class _Parts:
    """What all layers are built from."""

    config: Fields
    known: Architecture
    quant: Quantisation
    heads: Heads
    experts: Experts | None

    def layers(self, kinds: tuple[LayerKind, ...]) -> tuple[Layer, ...]:
        """Each layer; equal ones are one object."""
        seen: dict[Layer, Layer] = {}
        built = (self._layer(kind) for kind in kinds)
        return tuple(seen.setdefault(layer, layer) for layer in built)

    def _layer(self, kind: LayerKind) -> Layer:
        attended = self._attention(kind)
        worked = self._mlp(kind)
        beside = per_layer.gates(self.config, self.heads.hidden_size)
        matrices = tuple(
            matrix
            if matrix.format is not AS_DECLARED
            else replace(matrix, format=self.quant.of(f"layers.{kind.block}.{matrix.name}"))
            for matrix in (*attended.matrices, *worked.matrices, *beside)
        )
        return Layer(
            matrices=matrices,
            cache=None if self.known.is_encoder else attended.cache,
            query_heads=attended.query_heads,
            head_dim=attended.head_dim,
            mlp_width=worked.width,
            is_gated=worked.is_gated,
            expert_width=worked.expert_width,
            experts=worked.experts,
            experts_used=worked.experts_used,
            norm_bytes=2 * self.known.norms * self.heads.hidden_size,
        )

    def _attention(self, kind: LayerKind) -> Attention:
        hidden, config = self.heads.hidden_size, self.config
        if kind.mixer == "none":
            return Attention((), None)
        if kind.mixer not in ("full", "sliding"):
            return self._state(kind)
        if "kv_lora_rank" in config:
            return attention.latent(config, hidden, self.heads.query_heads)
        heads = self._global_heads() if kind.mixer == "full" else self._sliding_heads()
        heads = replace(heads, kv_heads=kind.kv_heads or heads.kv_heads)
        return attention.grouped(heads, kind.mixer, shares_cache=kind.shares_cache)

    def _state(self, kind: LayerKind) -> Attention:
        hidden, config = self.heads.hidden_size, self.config
        if kind.mixer == "state-space":
            return states.state_space(config, hidden, self._state_bytes())
        if kind.mixer == "kimi-delta":
            return states.kimi_delta(config, hidden)
        if kind.mixer == "mamba-1":
            return states.mamba_1(config, hidden, self._state_bytes())
        if kind.mixer == "lightning":
            return states.lightning(self.heads)
        if kind.mixer == "short-conv":
            return states.short_convolution(config, hidden)
        return states.delta_net(config, hidden, self._state_bytes())

    def _sliding_heads(self) -> Heads:
        """Of sliding attention, which MiMo and Step give other heads than the full layers."""
        own, heads = self.config.inner("attention_other_setting") or self.config, self.heads
        most = 1 << 14
        queries, keys = heads.query_heads, heads.kv_heads
        if own is not self.config:
            queries = own.whole("num_attention_heads", most=most, default=queries)
            keys = own.whole("num_attention_groups", most=most, default=keys)
        return replace(
            heads,
            query_heads=own.whole("swa_num_attention_heads", most=most, default=queries),
            kv_heads=own.whole("swa_num_key_value_heads", most=most, default=keys),
            head_dim=own.whole("swa_head_dim", most=most, default=heads.head_dim),
            value_dim=own.whole("swa_v_head_dim", most=most, default=heads.value_dim),
        )

    def _global_heads(self) -> Heads:
        """Of full attention, which Gemma 4 gives other heads than the sliding layers."""
        dim = self.config.whole("global_head_dim", most=1 << 14, default=self.heads.head_dim)
        kv_heads = self.config.whole(
            "num_global_key_value_heads", most=1 << 14, default=self.heads.kv_heads
        )
        value = self.heads.value_dim if dim == self.heads.head_dim else dim
        return replace(self.heads, head_dim=dim, value_dim=value, kv_heads=kv_heads)

    def _state_bytes(self) -> int:
        said = self.config.text("mamba_ssm_dtype") or self.config.text("mamba_ssm_cache_dtype")
        return _STATE_BYTES.get(said or "auto", 4)

    def _mlp(self, kind: LayerKind) -> Mlp:
        hidden, config, gated = self.heads.hidden_size, self.config, not self.known.plain_mlp
        name = "mixer" if kind.is_alone else "mlp"
        if kind.mlp == "none":
            return Mlp()
        if kind.mlp == "experts" and self.experts:
            return mlp.mixture(self.experts, hidden, name=name, gated=gated)
        width = kind.mlp_width or self._width()
        if kind.shares_cache and config.truth("use_double_wide_mlp"):  # Gemma 4 E2B
            width *= 2
        bias = config.truth("mlp_bias")
        return mlp.dense(hidden, width, name=name, gated=gated, bias=bias)

    def _width(self) -> int:
        """Of a dense layer, where it has a width of its own too.

        Four times the hidden size where nothing is told, as in GPT-2 and its kin.
        """
        tells = self.known.is_known and not self.known.plain_mlp
        usual = None if tells else 4 * self.heads.hidden_size
        own = [self.known.width_field] if self.known.width_field else []
        told = [key for key in (*own, *_OWN_WIDTHS) if key in self.config]
        layers = self.config.whole(*layer_kinds.COUNTS, most=layer_kinds.MOST_LAYERS, default=0)
        width = self.config.largest(
            *told, *_WIDTHS, most=_MOST_WIDTH, default=usual, layers=layers or None
        )
        if not self.config.truth("block_auto_adjust_ff_dim"):
            return width
        multiple = self.config.whole("block_multiple_of", most=_MOST_WIDTH, default=256)
        factor = self.config.number("block_ffn_dim_multiplier", 1.0, most=64)
        return -(-int(factor * int(2 * width / 3)) // multiple) * multiple  # LFM2


def _is_pooling(outer: Fields) -> bool:
    """A checkpoint that embeds or judges texts has no head to choose words with."""
    made = next(iter(outer.words("architectures", 64)), "")
    return made.endswith(_POOLING) or made in _BODIES


def _tables(parts: _Parts) -> tuple[Matrix, ...]:
    """Learned positions."""
    if not parts.known.has_positions:
        return ()
    hidden, length = parts.heads.hidden_size, layer_kinds.longest(parts.config)
    return (Matrix("embed_positions", length, hidden, "none", BF16),)


def _model(parts: _Parts, layers: tuple[Layer, ...], outer: Fields, name: str) -> Model:
    config, quant, heads = parts.config, parts.quant, parts.heads
    vocab = config.whole("vocab_size", "padded_vocab_size", most=1 << 26)
    embedding = Matrix("embed_tokens", heads.hidden_size, vocab, "vocabulary", BF16)
    head = None
    # transformers' own default is true; every class here that means it says so
    is_tied = config.truth("tie_word_embeddings") or outer.truth("tie_word_embeddings")
    if not (is_tied or parts.known.is_encoder or _is_pooling(outer)):
        head = Matrix("lm_head", heads.hidden_size, vocab, "vocabulary", quant.of("lm_head"))
    tower = vision.tower(outer, heads.hidden_size)
    used = [m.format for layer in layers for m in layer.matrices if m.format not in (BF16, FP32)]
    said = "" if parts.known.is_known else config.text("model_type") or "without a model_type"
    notes = quant.notes + tower.notes
    if parts.known.is_encoder:
        notes += ("it reads whole texts and makes no tokens: its speed is that of prompts",)
    if said:
        notes += (
            f"architecture {said[:60]!r} is not known here: computed from its general fields",
        )
    return Model(
        name=name,
        architecture=next(iter(outer.words("architectures", 64)), ""),
        hidden_size=heads.hidden_size,
        vocab_size=vocab,
        layers=layers,
        embedding=embedding,
        head=head,
        max_model_len=layer_kinds.longest(config),
        query_heads=heads.query_heads,
        kv_heads=heads.kv_heads,
        format=max(set(used), key=used.count, default=BF16),
        kv_cache_dtype=quant.kv_cache_dtype,
        other_weights=tower.matrices + _tables(parts) + per_layer.tables(config, heads.hidden_size),
        takes_float16=parts.known.takes_float16,
        is_known=parts.known.is_known,
        notes=notes,
        encoder=tower.encoder,
        rotary_bytes=2 * heads.head_dim * layer_kinds.longest(config),
    )
