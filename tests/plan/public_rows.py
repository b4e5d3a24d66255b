"""Public observations, each planned as far as it tells how; the rest is a reason, never a gap."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from preflight.errors import UsageError
from preflight.plan import cards, lookup, memory, reading
from preflight.plan.settings import OLDEST, setup
from preflight.plan.shapes import Device, Memory, Model
from preflight.versions import parse
from tests.plan import truth

_CONFIGS = Path(__file__).parent / "configs"
_FP8_BLOCK = {"quant_method": "fp8", "weight_block_size": [128, 128], "ignore": ["visual"]}
_INT4 = {"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": True}
# The rows' models that are not called by a name of the catalogue: config and quantisation.
_KNOWN: dict[str, tuple[str, dict[str, object] | None]] = {
    "Qwen/Qwen3.8-27B-FP8": ("qwen3.5-27b", _FP8_BLOCK),
    "Qwen3.6-27B AutoRound": ("qwen3.5-27b", _INT4),
    "Qwen3-4B AWQ (36 layers)": ("qwen3-4b-awq", None),
    "Qwen2.5-7B quantised": ("qwen2.5-7b-awq", None),
    "Qwen3-Coder-30B-A3B-Instruct AWQ": ("qwen3-coder-30b-a3b-awq", None),
    "Llama-3.1-405B FP8": ("llama-3.1-405b-fp8", None),
}
_TOLERANCE = 0.06
_WEIGHTS_TOLERANCE = 0.01


@dataclass(frozen=True)
class PublicRow:
    """`reason`: why what it says is not held against the planner, by columns known beforehand."""

    id: str
    server: str
    reason: str
    planned: Memory | None
    weights_gib: float | None
    kv_cache_tokens: int | None
    fits: bool

    def compared(self) -> Iterator[tuple[str, str, str, bool]]:
        """What was seen and planned, as words, and whether the two agree."""
        told = False
        rank = self.planned.fullest if self.planned else None
        if self.weights_gib is not None:
            told = True
            held = rank.weights_gib if rank else None
            yield _line(self.weights_gib, held, "GiB of weights", _WEIGHTS_TOLERANCE)
        if self.kv_cache_tokens:
            told = True
            tokens = self.planned.kv_cache_tokens if self.planned else None
            yield _line(self.kv_cache_tokens, tokens, "tokens", _TOLERANCE)
        if not self.fits or not told:
            words = "" if self.planned is None else "fits" if self.planned.fits else "does not fit"
            seen = "ran" if self.fits else "ran out of memory"
            yield seen, words, "", self.planned is not None and self.planned.fits == self.fits


def rows(corpus: Path) -> list[PublicRow]:
    return [_row(row) for row in truth.public(corpus)]


def _row(row: dict[str, str]) -> PublicRow:
    tp, pp = int(row["tp"]), int(row["pp"])
    model, devices = _model(row["model"]), _devices(row)
    planned = _plan(row, model, devices) if model and devices else None
    split = " ".join(f"{name}{size}" for name, size in (("tp", tp), ("pp", pp)) if size > 1)
    words = [f"{row['gpus']}x {row['gpu']}", row["model"], row["quant"], split]
    return PublicRow(
        id=row["id"],
        server=", ".join(filter(None, [*words, f"vLLM {row['vllm_version'] or 'not told'}"])),
        reason=_reason(row, model, devices),
        planned=planned,
        weights_gib=_number(row["weights_gib_per_gpu"]),
        kv_cache_tokens=int(row["kv_cache_tokens"] or 0) or None,
        fits=row["fits"] == "yes",
    )


def _reason(row: dict[str, str], model: Model | None, devices: list[Device] | None) -> str:
    """The first that holds of: model, card, release and settings that are not known."""
    version = parse(row["vllm_version"])
    if model is None:
        return "no config of that model at hand"
    if devices is None:
        return "a card that the catalogue has not"
    if version is None:
        return "release not told"
    if version < OLDEST:
        return "release before 0.20"
    return "" if row["gpu_memory_utilization"] else "not told: gpu_memory_utilization"


def _plan(row: dict[str, str], model: Model, devices: list[Device]) -> Memory:
    version = parse(row["vllm_version"])
    is_planned = version is not None and version >= OLDEST
    told = ("gpu_memory_utilization", "max_model_len", "max_num_seqs", "max_num_batched_tokens")
    overrides: dict[str, object] = {name: row[name] for name in told if row[name]}
    if row["enforce_eager"]:
        overrides["enforce_eager"] = row["enforce_eager"] == "yes"
    if row["kv_dtype"].startswith(("fp8", "int8")):
        overrides["kv_cache_dtype"] = row["kv_dtype"]
    wanted = setup(
        model,
        devices,
        vllm_version=".".join(map(str, version)) if version and is_planned else "0.20.0",
        tensor_parallel_size=int(row["tp"]),
        pipeline_parallel_size=int(row["pp"]),
        overrides=overrides,
    )
    longer = replace(model, max_model_len=max(model.max_model_len, wanted.max_model_len))
    return memory.estimate(longer, devices[: wanted.ranks], wanted)


def _model(name: str) -> Model | None:
    ours, quantised = _KNOWN.get(name, (name, None))
    path = _CONFIGS / f"{ours}.json"
    if path.exists():
        config = json.loads(path.read_text()) | {"quantization_config": quantised}
        return reading.read(json.dumps(config), ours)
    try:
        return lookup.known(ours)
    except UsageError:
        return None


def _devices(row: dict[str, str]) -> list[Device] | None:
    try:
        return list(cards.parse(f"{row['gpus']}x {row['gpu']}"))
    except UsageError:
        return None


def _line(
    seen: float, planned: float | None, unit: str, tolerance: float
) -> tuple[str, str, str, bool]:
    figure = f"{seen:,}" if isinstance(seen, int) else f"{seen:.2f}"
    if planned is None:
        return f"{figure} {unit}", "", "", False
    off = planned / seen - 1
    as_text = f"{planned:,}" if isinstance(planned, int) else f"{planned:.2f}"
    return f"{figure} {unit}", as_text, f"{off:+.1%}", abs(off) <= tolerance


def _number(text: str) -> float | None:
    """A plain figure; a bound ("<=18.2") or one with a remark is none."""
    try:
        return float(text)
    except ValueError:
        return None
