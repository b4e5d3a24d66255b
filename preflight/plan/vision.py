"""The encoder of images that a multimodal model holds beside its text model.

Computed from the general shape of a vision transformer, which is a few per cent off for some; it
is some half GiB of any model. Never quantised, whole on the first pipeline stage.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.plan.fields import Fields
from preflight.plan.formats import BF16
from preflight.plan.shapes import Encoder, Matrix

_MOST = 1 << 16
# Qwen2-VL's hidden_size is what its projector gives, beside embed_dim
_WIDTH = ("embed_dim", "hidden_size", "width", "vt_hidden_size")
_DEPTH = ("depth", "num_hidden_layers", "layers", "vt_num_hidden_layers")
_GATED = ("pixtral", "gemma4_vision", "glm4v_vision", "glm4v_moe_vision")
_LARGEST_IMAGE_TOKENS = 16384  # of Qwen's processors, by their largest number of pixels


@dataclass(frozen=True)
class Tower:
    matrices: tuple[Matrix, ...] = ()
    encoder: Encoder | None = None
    notes: tuple[str, ...] = ()


def tower(outer: Fields, hidden_size: int) -> Tower:
    """That of a config with a vision_config, nothing for others."""
    config = outer.inner("vision_config")
    if config is None:
        return Tower()
    if not any(key in config for key in _WIDTH):
        return Tower(notes=("its image encoder is not counted: the config does not tell its size",))
    kind = config.text("model_type")
    if kind == "gemma3n_vision":
        words = "its encoders of images and sound, some 1.1 billion parameters, are not counted"
        return Tower(notes=(words,))
    width = config.whole(*_WIDTH, most=_MOST)
    depth = config.whole(*_DEPTH, most=1024, default=27)
    # in GLM's the field is the projector's, and the layers' own is the text's hidden size
    key = "out_hidden_size" if kind.startswith("glm4v") else "intermediate_size"
    inner = config.whole(key, "vt_intermediate_size", most=_MOST, default=4 * width)
    patch = config.largest("patch_size", most=1 << 10, default=14)
    encoder = _encoder(outer, config, width, inner, patch)
    is_gated = config.text("hidden_act") == "silu" or kind in _GATED  # silu comes with a gate
    ups = 2 if is_gated else 1
    joined = _joined(config) * width
    # besides the projector at the end, those that Qwen3-VL has after some layers
    projectors = 1 + len(config.numbers("deepstack_visual_indexes", 1 << 10))
    parts = (
        *_merger(config, hidden_size),
        Matrix("visual.attention", width, 4 * width, "outputs", BF16, copies=depth),
        Matrix("visual.up", width, ups * inner, "outputs", BF16, copies=depth),
        Matrix("visual.down", inner, width, "inputs", BF16, copies=depth),
        Matrix("visual.patches", 3 * patch * patch, width, "none", BF16),
        Matrix("visual.joined", joined, joined, "outputs", BF16, copies=projectors),
        Matrix("visual.projector", joined, hidden_size, "inputs", BF16, copies=projectors),
    )
    return Tower(parts, encoder, ("its image encoder is counted by its general shape",))


def _merger(config: Fields, hidden_size: int) -> tuple[Matrix, ...]:
    """GLM's gated MLP behind the projector; others have none."""
    if not config.text("model_type").startswith("glm4v"):
        return ()
    inner = config.whole("intermediate_size", most=_MOST)
    return (
        Matrix("visual.merger.up", hidden_size, 2 * inner, "outputs", BF16),
        Matrix("visual.merger.down", inner, hidden_size, "inputs", BF16),
    )


def _joined(config: Fields) -> int:
    """Patches whose vectors are joined into one before the projector."""
    return int(config.whole("spatial_merge_size", most=64, default=1) ** 2)


def _encoder(outer: Fields, config: Fields, width: int, inner: int, patch: int) -> Encoder:
    """Patches of fixed images, or of the largest one that the processor takes."""
    each = outer.whole("mm_tokens_per_image", most=1 << 20, default=0)
    if each:
        side = config.largest("image_size", most=1 << 14, default=896) // patch
        return Encoder(width, inner, max(side * side // each, 1), each)
    return Encoder(width, inner, _joined(config), _LARGEST_IMAGE_TOKENS)
