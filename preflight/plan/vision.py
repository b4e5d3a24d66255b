"""The encoder of images that a multimodal model holds beside its text model.

Computed from the general shape of a vision transformer, which is a few per cent off for some; it
is some half GiB of any model. Never quantised, whole on the first pipeline stage.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.plan.fields import Fields
from preflight.plan.formats import BF16
from preflight.plan.shapes import Matrix

_MOST = 1 << 16


@dataclass(frozen=True)
class Tower:
    matrices: tuple[Matrix, ...] = ()
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
    merge = config.whole("spatial_merge_size", most=64, default=1)
    out = merge * merge * width
    parts = (
        Matrix("visual.attention", width, 4 * width, "outputs", BF16, copies=depth),
        Matrix("visual.up", width, inner, "outputs", BF16, copies=depth),
        Matrix("visual.down", inner, width, "inputs", BF16, copies=depth),
        Matrix("visual.patches", 3 * patch * patch, width, "none", BF16),
        Matrix("visual.projector", out, hidden_size, "none", BF16),
    )
    return Tower(parts, ("its image encoder is counted by its general shape",))
