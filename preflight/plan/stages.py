"""Which layers each pipeline stage holds, as vLLM cuts them (distributed/utils.py)."""

from __future__ import annotations

from preflight.plan.shapes import Layer, Model, Setup


def layer_counts(
    layers: int, stages: int, partition: tuple[int, ...] | None = None
) -> tuple[int, ...]:
    """Layers of each stage; the remainder goes one each from the last but one backwards.

    `partition` is VLLM_PP_LAYER_PARTITION; ValueError where it does not add up.
    """
    if partition is not None:
        if len(partition) != stages or sum(partition) != layers:
            raise ValueError(f"{len(partition)} stages of {sum(partition)} layers, not {layers}")
        return partition
    counts = [layers // stages] * stages
    for back in range(2, layers % stages + 2):
        counts[-back] += 1
    return tuple(counts)


def layers_of(model: Model, setup: Setup, pp_rank: int) -> tuple[Layer, ...]:
    """The layers of one stage."""
    counts = layer_counts(len(model.layers), setup.pipeline_parallel_size, setup.pp_layer_partition)
    start = sum(counts[:pp_rank])
    return model.layers[start : start + counts[pp_rank]]
