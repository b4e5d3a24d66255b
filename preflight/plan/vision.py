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
    if "hidden_size" not in config and "width" not in config:
        return Tower(notes=("its image encoder is not counted: the config does not tell its size",))
    width = config.whole("hidden_size", "width", most=_MOST)
    depth = config.whole("depth", "num_hidden_layers", "layers", most=1024, default=27)
    inner = config.whole("intermediate_size", most=_MOST, default=4 * width)
    patch = config.whole("patch_size", most=1 << 10, default=14)
    encoder = _encoder(outer, config, width, inner, patch)
    ups = 2 if config.text("hidden_act") == "silu" else 1  # silu comes with a gate beside it
    joined = _joined(config) * width
    parts = (
        Matrix("visual.attention", width, 4 * width, "outputs", BF16, copies=depth),
        Matrix("visual.up", width, ups * inner, "outputs", BF16, copies=depth),
        Matrix("visual.down", inner, width, "inputs", BF16, copies=depth),
        Matrix("visual.patches", 3 * patch * patch, width, "none", BF16),
        Matrix("visual.joined", joined, joined, "outputs", BF16),
        Matrix("visual.projector", joined, hidden_size, "inputs", BF16),
    )
    return Tower(parts, encoder, ("its image encoder is counted by its general shape",))


def _joined(config: Fields) -> int:
    """Patches whose vectors are joined into one before the projector."""
    return int(config.whole("spatial_merge_size", most=64, default=1) ** 2)


def _encoder(outer: Fields, config: Fields, width: int, inner: int, patch: int) -> Encoder:
    """Patches of fixed images, or of the largest one that the processor takes."""
    each = outer.whole("mm_tokens_per_image", most=1 << 20, default=0)
    if each:
        side = config.whole("image_size", most=1 << 14, default=896) // patch
        return Encoder(width, inner, max(side * side // each, 1), each)
    return Encoder(width, inner, _joined(config), _LARGEST_IMAGE_TOKENS)
