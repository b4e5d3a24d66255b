"""What vLLM's dummy step takes at its peak, and what its CUDA graphs are estimated to take.

The dummy step runs max_num_batched_tokens tokens through the model, then samples for
max_num_seqs requests (v1/worker/gpu/model_runner.py, profile_run): the greater of the two counts.
"""

from __future__ import annotations

from preflight.plan.constants import Constants
from preflight.plan.shapes import GIB, Layer, Model, Setup
from preflight.plan.stages import layers_of

_BYTES = 2  # activations are 16 bit
_MIB = 1 << 20
_LARGEST_GRAPH = 512
_LARGEST_GRAPH_BLACKWELL = 1024  # compute capability 10.x, since 0.33


def peak_gib(model: Model, setup: Setup, pp_rank: int, constants: Constants) -> float:
    """The dummy step's peak on one rank of that stage."""
    tokens, hidden = setup.max_num_batched_tokens, model.hidden_size
    kinds = set(layers_of(model, setup, pp_rank))
    width = max((layer_width(layer, hidden, setup) for layer in kinds), default=0.0)
    step = tokens * _BYTES * (width + constants.activation_hidden * hidden)
    if pp_rank > 0:  # what the stage before hands over: hidden states and residual
        step += tokens * _BYTES * 2 * hidden
    is_last = pp_rank == setup.pipeline_parallel_size - 1
    rows = min(setup.max_num_seqs, tokens)
    sampling = 0.0
    if is_last:
        sampling = rows * model.vocab_size * constants.sampler_bytes + tokens * hidden * _BYTES
    encoding = _encoder_bytes(model, setup) if pp_rank == 0 else 0.0
    return max(step, sampling, encoding) / GIB


def layer_width(layer: Layer, hidden: int, setup: Setup) -> float:
    """Values for each token that a layer holds at its widest, hidden-sized ones aside."""
    tp = setup.tensor_parallel_size
    ups = 2 if layer.is_gated else 1
    dense = (ups + 1) * layer.mlp_width / tp
    attended = 2 * layer.query_heads * layer.head_dim / tp
    routed = 0.0
    if layer.experts:
        # Every chosen expert's rows at once, in two workspaces and an output (TritonExperts).
        width = layer.expert_width / (1 if setup.enable_expert_parallel else tp)
        used = layer.experts_used / (tp if setup.enable_expert_parallel else 1)
        routed = used * (max(width, hidden) + max(ups * width, hidden)) + hidden
    return max(dense + routed, attended)


def _encoder_bytes(model: Model, setup: Setup) -> float:
    """Of as many images as a step may encode: its budget of tokens, and the largest image.

    An encoder layer's own peak, and what it hands on; held against one row (1.6 GiB of Qwen's).
    """
    encoder = model.encoder
    if encoder is None or setup.language_model_only:
        return 0.0
    tokens = max(setup.max_num_batched_tokens, encoder.image_tokens)
    widest = 2 * encoder.inner_width + 3 * encoder.width
    each = encoder.patches_per_token * widest + model.hidden_size
    return float(tokens * _BYTES * each)


def graph_gib(model: Model, setup: Setup, pp_rank: int, major: int, constants: Constants) -> float:
    """vLLM's estimate for its CUDA graphs, which it keeps free of the KV cache."""
    if setup.enforce_eager:
        return 0.0
    sizes = graph_sizes(setup, major)
    full = [size for size in sizes if size <= setup.max_num_seqs]
    layers = len(layers_of(model, setup, pp_rank))
    return (len(sizes) + len(full)) * layers * constants.graph_mib * _MIB / GIB


def graph_sizes(setup: Setup, major: int) -> list[int]:
    """Batch sizes for which graphs are captured (config/vllm.py, _set_cudagraph_sizes)."""
    most = _LARGEST_GRAPH_BLACKWELL if major == 10 else _LARGEST_GRAPH
    most = min(2 * setup.max_num_seqs, most, setup.max_num_batched_tokens)
    sizes = [*(1, 2, 4), *range(8, 256, 8), *range(256, most + 1, 16)]
    return [size for size in sizes if size <= most]
