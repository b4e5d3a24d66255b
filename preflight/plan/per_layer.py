"""Gemma 3n's and 4's small models: an embedding for each layer, and what mixes it in.

Source: vllm/model_executor/models/gemma3n.py, gemma4.py.
"""

from __future__ import annotations

from preflight.plan.fields import Fields
from preflight.plan.formats import BF16
from preflight.plan.shapes import Matrix

_MOST = 1 << 16
_MOST_LAYERS = 1 << 12


def gates(config: Fields, hidden: int) -> tuple[Matrix, ...]:
    """Of one layer; () for a model without such embeddings."""
    size = _size(config)
    parts: tuple[Matrix, ...] = ()
    if size:
        parts += (
            Matrix("per_layer_input_gate", hidden, size, "none"),
            Matrix("per_layer_projection", size, hidden, "none"),
        )
    rank = config.whole("laurel_rank", least=0, most=_MOST, default=0)
    if rank:
        parts += (
            Matrix("laurel.linear_left", hidden, rank, "none"),
            Matrix("laurel.linear_right", rank, hidden, "none"),
        )
    return parts


def tables(config: Fields, hidden: int) -> tuple[Matrix, ...]:
    """Of the whole model, on its first stage."""
    size = _size(config)
    if not size:
        return ()
    layers = config.whole("num_hidden_layers", most=_MOST_LAYERS)
    words = config.whole("vocab_size_per_layer_input", "vocab_size", most=1 << 26)
    # projections to and from the altered copies of the hidden state, all but the first
    copies = config.whole("altup_num_inputs", most=64, default=1) - 1
    mixing = (Matrix("altup", hidden, hidden, "none", BF16, copies=2 * copies),) if copies else ()
    return (
        Matrix("embed_tokens_per_layer", layers * size, words, "vocabulary", BF16),
        Matrix("per_layer_model_projection", hidden, layers * size, "outputs", BF16),
        *mixing,
    )


def _size(config: Fields) -> int:
    return config.whole("hidden_size_per_layer_input", least=0, most=_MOST, default=0)
