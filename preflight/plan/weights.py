"""What one rank holds of a model's weights, and what it reads and computes of them in a step.

Held is what vLLM prints as "Model loading took": parameters as the kernels repacked them, tables,
and the 2 MiB pages in which PyTorch's allocator gives out what is larger than 10 MiB.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from preflight.plan import formats
from preflight.plan.shapes import Format, Layer, Matrix, Model, Setup, Work
from preflight.plan.stages import layers_of

Capability = tuple[int, int]

_VOCABULARY_PAD = 64  # vocab_parallel_embedding.py, DEFAULT_VOCAB_PADDING_SIZE
_OWN_PAGE_BYTES = 10 << 20  # CUDACachingAllocator: kMinLargeAlloc
_PAGE_BYTES = 2 << 20  # CUDACachingAllocator: kRoundLarge
_SPLIT_BYTES = 1 << 20  # CUDACachingAllocator: a rest above kSmallSize is given out again


def rank_bytes(model: Model, setup: Setup, pp_rank: int, capability: Capability) -> int:
    """All weights of one rank of that stage, on a card of that compute capability."""
    held = sum(_tensor_bytes(group) for group in _groups(model, setup, pp_rank, capability))
    norms = sum(layer.norm_bytes for layer in layers_of(model, setup, pp_rank))
    scale = 1.0
    if model.measured_bytes:
        scale = model.measured_bytes / stored_bytes(model)
    return round(held * scale) + norms + model.rotary_bytes


@cache
def stored_bytes(model: Model) -> float:
    """All weights as the checkpoint stores them, by its declaration."""
    return sum(
        matrix.copies * formats.bytes_of(matrix.format, matrix.inputs, matrix.outputs)
        for matrix in _all(model)
    )


def work(
    model: Model, setup: Setup, pp_rank: int, tokens: int, capability: Capability, sampled: int = 0
) -> tuple[Work, ...]:
    """Bytes read and operations done by one rank in a step of so many tokens, by format.

    Of experts those are read that the tokens are expected to choose, if they choose evenly. The
    head works on `sampled` tokens, on all where it is 0.
    """
    bytes_read: dict[Format, float] = defaultdict(float)
    flop: dict[Format, float] = defaultdict(float)
    heads = _head_matrices(model, setup, pp_rank)
    for matrix, times in _counted(model, setup, pp_rank):
        share = local(matrix, setup, capability)
        rows = (sampled or tokens) if matrix in heads else tokens
        bytes_read[matrix.format] += times * share.bytes_each * share.touched(rows)
        flop[matrix.format] += times * 2.0 * rows * share.used * share.inputs * share.outputs
    return tuple(Work(each, bytes_read[each], flop[each]) for each in bytes_read)


@dataclass(frozen=True)
class Local:
    """A rank's part of a matrix."""

    inputs: int
    outputs: int
    copies: float
    used: float  # of a token's experts, those of this rank
    bytes_each: float

    @property
    def held_bytes(self) -> float:
        return self.copies * self.bytes_each

    def touched(self, rows: int) -> float:
        """How many of the copies are expected to be used by so many tokens."""
        if self.copies <= 1:
            return self.copies
        missed = max(1.0 - self.used / self.copies, 0.0)
        return float(self.copies * (1.0 - missed**rows))


@cache
def local(matrix: Matrix, setup: Setup, capability: Capability) -> Local:
    """The part of a matrix that one tensor-parallel rank holds, padded as its kernel wants it."""
    tp = setup.tensor_parallel_size
    inputs, outputs = matrix.inputs, matrix.outputs
    copies, used = float(matrix.copies), matrix.used
    if matrix.copies > 1 and setup.enable_expert_parallel:
        copies, used = copies / tp, used / tp
    elif matrix.split == "outputs":
        outputs = -(-outputs // tp)
    elif matrix.split == "inputs":
        inputs = -(-inputs // tp)
    elif matrix.split == "kv-heads":
        outputs = outputs // matrix.heads * max(1, matrix.heads // tp)
    elif matrix.split == "vocabulary":
        padded = -(-outputs // _VOCABULARY_PAD) * _VOCABULARY_PAD
        outputs = -(-padded // tp)
    if matrix.copies > 1:
        inputs, outputs = _padded(matrix, inputs, outputs, capability)
    kept = formats.held(matrix.format, capability)
    each = formats.bytes_of(kept, inputs, outputs) + matrix.derived_bytes / tp
    return Local(inputs, outputs, copies, used, each + (2 * outputs if matrix.bias else 0))


def _padded(matrix: Matrix, inputs: int, outputs: int, capability: Capability) -> tuple[int, int]:
    """Experts' sizes as the kernel of their format rounds them up (oracle/mxfp4.py)."""
    if matrix.format.name == "mxfp4":
        hidden_to, width_to = 256, 64 if capability[0] == 9 else 128
    elif matrix.format.bits == 4:
        hidden_to, width_to = 1, 64
    else:
        return inputs, outputs
    is_down = matrix.split == "inputs"
    in_to, out_to = (width_to, hidden_to) if is_down else (hidden_to, width_to)
    return -(-inputs // in_to) * in_to, -(-outputs // out_to) * out_to


def _groups(
    model: Model, setup: Setup, pp_rank: int, capability: Capability
) -> Iterator[tuple[float, int]]:
    """Bytes of each tensor that vLLM allocates, and how many there are of it."""
    layers: dict[Layer, int] = defaultdict(int)
    for layer in layers_of(model, setup, pp_rank):
        layers[layer] += 1
    for layer, times in layers.items():
        for size in _layer_tensors(layer, setup, capability):
            yield size, times
    is_seeing = not setup.language_model_only
    seeing = [m for m in model.other_weights if is_seeing or not m.name.startswith("visual.")]
    ends = (*_ends(model, setup, pp_rank), *(seeing if pp_rank == 0 else ()))
    for matrix in ends:
        share = local(matrix, setup, capability)
        yield share.bytes_each, round(share.copies)


def _layer_tensors(layer: Layer, setup: Setup, capability: Capability) -> Iterable[float]:
    tensors: dict[str, float] = defaultdict(float)
    for matrix in layer.matrices:
        share = local(matrix, setup, capability)
        tensors[matrix.held_in or matrix.name] += share.held_bytes
    return tensors.values()


def _tensor_bytes(group: tuple[float, int]) -> float:
    """As the allocator counts them: a page is not split where its rest is small."""
    size, times = group
    if size <= _OWN_PAGE_BYTES:
        return size * times
    rest = -size % _PAGE_BYTES
    return (size + rest if rest <= _SPLIT_BYTES else size) * times


def _ends(model: Model, setup: Setup, pp_rank: int) -> tuple[Matrix, ...]:
    """Embedding on the first stage, head on the last; a tied pair is one where both meet."""
    is_first, is_last = pp_rank == 0, pp_rank == setup.pipeline_parallel_size - 1
    ends = [model.embedding] if is_first else []
    if is_last and model.head is not None:
        ends.append(model.head)
    elif is_last and not is_first:
        ends.append(model.embedding)
    return tuple(ends)


def _head_matrices(model: Model, setup: Setup, pp_rank: int) -> tuple[Matrix, ...]:
    is_last = pp_rank == setup.pipeline_parallel_size - 1
    return (model.head or model.embedding,) if is_last else ()


def _counted(model: Model, setup: Setup, pp_rank: int) -> Iterator[tuple[Matrix, int]]:
    """Each matrix with which a step multiplies, and how often it occurs in the stage."""
    counts: dict[Layer, int] = defaultdict(int)
    for layer in layers_of(model, setup, pp_rank):
        counts[layer] += 1
    for layer, times in counts.items():
        for matrix in layer.matrices:
            yield matrix, times
    for matrix in _head_matrices(model, setup, pp_rank):
        yield matrix, 1


def _all(model: Model) -> tuple[Matrix, ...]:
    ends = (model.embedding, *((model.head,) if model.head else ()), *model.other_weights)
    return tuple(matrix for layer in model.layers for matrix in layer.matrices) + ends
