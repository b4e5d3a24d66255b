"""vLLM's settings and environment for one layout, each with its reason.

The names are those of `vllm serve` and of its --config file; a test holds them to vLLM's own
parser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from preflight.plan.given import is_off, is_variable
from preflight.plan.links import Link
from preflight.plan.settings import default_seqs
from preflight.plan.shapes import Device, Memory, Model, Setup
from preflight.plan.wish import Wish
from preflight.versions import require

Value = str | int | float | bool
# NCCL 2.24 and later keep buffers in host memory that is mapped by cuMem, which fails on cards
# without peer access under some drivers; NVIDIA/nccl#1838.
_CUMEM_HOST_SINCE = (0, 9)  # the first release that brings such an NCCL
# NCCL takes peer access for granted where a driver grants it; vLLM's own all-reduce tries it first.
_PRECAUTION = "NCCL_P2P_DISABLE"
_ADVISED = "disable-custom-all-reduce"  # the only flag that is advised, and not resolved as given
_CERTAIN = 1.25  # requests of the model's own length; a first start, which compiles, holds less


@dataclass(frozen=True)
class Advice:
    """What goes into vLLM's --config file and into its environment; `reasons` by their names."""

    vllm: Mapping[str, Value] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


class _Notes:
    """Gathers settings with their reasons, in the order in which they are said."""

    def __init__(self) -> None:
        self.vllm: dict[str, Value] = {}
        self.env: dict[str, str] = {}
        self.reasons: dict[str, str] = {}

    def set(self, name: str, value: Value, reason: str) -> None:
        self.vllm[name] = value
        self.reasons[name] = reason

    def export(self, name: str, value: str, reason: str) -> None:
        self.env[name] = value
        self.reasons[name] = reason


def advise(
    model: Model,
    devices: tuple[Device, ...],
    setup: Setup,
    memory: Memory,
    link: Link,
    wish: Wish,
    why_eager: str = "",
) -> Advice:
    """The settings that the person wished for stand as they are."""
    notes = _Notes()
    _size(notes, setup, memory, model, default_seqs(devices))
    if setup.tensor_parallel_size > 1:
        notes.set("tensor-parallel-size", setup.tensor_parallel_size, "the layout")
    if setup.pipeline_parallel_size > 1:
        notes.set("pipeline-parallel-size", setup.pipeline_parallel_size, "the layout")
    if setup.ranks > 1:
        _between_cards(notes, devices, setup, link)
    if setup.enforce_eager:
        notes.set("enforce-eager", True, why_eager or "as asked")
    if setup.kv_cache_dtype != "auto":
        notes.set("kv-cache-dtype", setup.kv_cache_dtype, "as asked")
    _given(notes, wish.settings)
    return Advice(notes.vllm, notes.env, notes.reasons)


def _given(notes: _Notes, given: Mapping[str, object]) -> None:
    """As asked, save what would take the precaution away that nobody else takes."""
    for name, value in given.items():
        key = name.upper() if is_variable(name) else name.replace("_", "-")
        if key == _PRECAUTION and key in notes.reasons and is_off(value):
            notes.reasons[key] += f"; {str(value).lower()} was asked for, and is not taken"
        elif is_variable(name):
            text = str(value).lower() if isinstance(value, bool) else str(value)
            notes.export(key, text, "as asked")
        elif isinstance(value, (str, int, float, bool)):
            taken = value if key == _ADVISED else notes.vllm.get(key, value)
            notes.set(key, taken, "as asked")


def _size(notes: _Notes, setup: Setup, memory: Memory, model: Model, default: int) -> None:
    _length(notes, setup, memory, model)
    words = "more would wait for cache, and each takes room for graphs and sampling"
    if setup.max_num_seqs == default:
        words = "this release's default on such a card"
    notes.set("max-num-seqs", setup.max_num_seqs, words)
    notes.set(
        "max-num-batched-tokens",
        setup.max_num_batched_tokens,
        "this release's default on such a card; named, so that an upgrade does not move it",
    )
    notes.set("gpu-memory-utilization", setup.gpu_memory_utilization, "what it was planned with")


def _length(notes: _Notes, setup: Setup, memory: Memory, model: Model) -> None:
    """vLLM refuses a length that does not fit: where it is near, vLLM itself shall find it."""
    if setup.max_model_len:
        notes.set("max-model-len", setup.max_model_len, "as asked")
    elif memory.max_concurrency >= _CERTAIN and memory.max_model_len >= model.max_model_len:
        notes.set("max-model-len", model.max_model_len, "the model's own")
    else:
        words = f"the longest that fits, about {memory.max_model_len}: vLLM finds it at its start"
        notes.set("max-model-len", "auto", words)


def _between_cards(notes: _Notes, devices: tuple[Device, ...], setup: Setup, link: Link) -> None:
    if link.kind == "nvlink" and not link.has_fault:
        return
    if link.is_proven and not link.has_fault:
        return
    reason = "peer copies between these cards are not proven to arrive intact"
    if link.kind == "staged":
        reason = link.reason
    if setup.tensor_parallel_size > 1:
        notes.set("disable-custom-all-reduce", True, reason)
    notes.export("NCCL_P2P_DISABLE", "1", reason)
    version = require(setup.vllm_version, "vLLM version")
    if link.kind == "staged" and version >= _CUMEM_HOST_SINCE and _is_consumer(devices):
        words = "NCCL's cuMem host buffers fail on cards without peer access (NVIDIA/nccl#1838)"
        notes.export("NCCL_CUMEM_HOST_ENABLE", "0", words)


def _is_consumer(devices: tuple[Device, ...]) -> bool:
    return any(
        device.form != "data-center" or device.name in ("L4", "Tesla T4") for device in devices
    )
