"""A 16-bit model as vLLM quantises it while it loads (`--quantization`)."""

from __future__ import annotations

from dataclasses import replace

from preflight.errors import UsageError
from preflight.plan.formats import ONLINE
from preflight.plan.shapes import Format, Layer, Matrix, Model

_STAYS = ("gate", "shared_expert_gate", "in_proj_ba", "conv1d", "weights_proj")


def quantised(model: Model, method: str) -> Model:
    """The same model with its linear layers in that format; embedding, head and routers stay.

    UsageError for a method that is none, or for a checkpoint that is quantised already in another.
    """
    format = ONLINE.get(method)
    if format is None:
        raise UsageError(
            f"quantization {method[:40]!r} cannot be made of a 16-bit model",
            f"one of {', '.join(sorted(ONLINE))}; a checkpoint brings its own",
        )
    if model.format.bits < 16:
        if model.format.name == format.name:
            return model
        raise UsageError(f"{model.name} is {model.format.name} already, not to be made {method}")
    made = {layer: _layer(layer, format) for layer in dict.fromkeys(model.layers)}
    layers = tuple(made[layer] for layer in model.layers)
    return replace(model, layers=layers, format=format, measured_bytes=None)


def _layer(layer: Layer, format: Format) -> Layer:
    return replace(layer, matrices=tuple(_matrix(matrix, format) for matrix in layer.matrices))


def _matrix(matrix: Matrix, format: Format) -> Matrix:
    stays = matrix.name.rpartition(".")[2] in _STAYS or matrix.format.bits != 16
    return matrix if stays else replace(matrix, format=format)
