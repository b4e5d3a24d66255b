"""A plan beside the log of the server that it is for: what was foretold, what came, and why not.

The settings that the log states are those that are planned with, so that what differs is the
estimate, the card, or what the log says itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from preflight.errors import UsageError
from preflight.layout import Layout, parse
from preflight.plan.answer import Candidate

# Settings of a log that decide over memory, by vLLM's names.
_PLANNED_WITH = (
    "max_model_len",
    "max_num_seqs",
    "max_num_batched_tokens",
    "gpu_memory_utilization",
    "kv_cache_dtype",
    "enforce_eager",
    "enable_expert_parallel",
    "kv_cache_memory_bytes",
)
_OTHER_WEIGHTS = 0.05  # a guess; no padding or repacking makes as much
_WEIGHTS, _CACHE = 0.01, 0.03  # parts that an estimate may be off; the aims of docs/accuracy.md
_CACHE_GIB = 0.5  # where the cache is a small rest of the card
_WORKING_GIB = 0.5
_LARGE_GIB = 8.0
_COMPILED_S = 5.0  # a start from the compile cache takes less; seen 16 to 37 s when it compiled
_MEMORY_ERRORS = ("oom-load", "oom-profile", "oom-graph", "kv-too-small")


@dataclass(frozen=True)
class Compared:
    """One figure; `deviation` is a part of the log's, None where one of both is not told."""

    name: str
    planned: float | None
    logged: float | None
    is_within: bool
    explanation: str = ""

    @property
    def deviation(self) -> float | None:
        if self.planned is None or not self.logged:
            return None
        return self.planned / self.logged - 1


@dataclass(frozen=True)
class Witness:
    """`agrees`: both say that it runs, or that it does not; `flagged` are not explained."""

    layout: Layout
    rows: tuple[Compared, ...]
    agrees: bool
    words: tuple[str, ...]

    @property
    def flagged(self) -> tuple[Compared, ...]:
        return tuple(row for row in self.rows if not row.is_within and not row.explanation)


def overrides(log: Mapping[str, Any]) -> dict[str, object]:
    """What the log says of the settings, to plan with the same."""
    told = log["settings"]
    found = {name: told[name] for name in _PLANNED_WITH if told.get(name) is not None}
    if found.get("kv_cache_dtype") == "auto":
        del found["kv_cache_dtype"]
    if found.get("enforce_eager") is False:
        del found["enforce_eager"]
    return found


def layout(log: Mapping[str, Any]) -> Layout:
    """The layout of the server that wrote it; one card where it does not say."""
    told = log["settings"]
    tensor = int(told.get("tensor_parallel_size") or 1)
    stages = int(told.get("pipeline_parallel_size") or 1)
    return parse(
        f"tp{tensor}" if stages == 1 else f"pp{stages}" if tensor == 1 else f"tp{tensor}pp{stages}"
    )


def compare(one: Candidate, log: Mapping[str, Any]) -> Witness:
    """Each figure that both tell; UsageError where the layout could not be computed at all."""
    held, fullest = one.memory, one.fullest
    if held is None or fullest is None:
        reason = one.refusal.reason if one.refusal else "nothing to compare"
        raise UsageError(f"--compare: {one.layout.name} on these cards: {reason}")
    why_less = _why_cache_differs(one, log)
    rows = [
        _row("weights_gib", fullest.weights_gib, log, lambda p, m: _part(p, m, _WEIGHTS)),
        _row("activation_gib", fullest.activation_gib, log, _near),
        _row("graph_gib", fullest.graphs_gib, log, _near),
        _row("kv_cache_gib", max(fullest.kv_cache_gib, 0.0), log, _cache_gib, why_less),
        _row("kv_cache_tokens", held.kv_cache_tokens, log, _tokens(one, log), why_less),
        _row(
            "max_concurrency", held.max_concurrency, log, lambda p, m: _part(p, m, 0.05), why_less
        ),
    ]
    told = [row for row in rows if row.planned is not None and row.logged is not None]
    agrees, words = _outcome(one, log)
    return Witness(one.layout, tuple(told), agrees, (*_another_model(told, log), *words))


def _row(
    name: str,
    planned: float,
    log: Mapping[str, Any],
    is_within: Callable[[float, float], bool],
    explanation: str = "",
) -> Compared:
    logged = log.get(name)
    if logged is None:
        return Compared(name, planned, None, True)
    within = is_within(planned, logged)
    return Compared(name, planned, logged, within, "" if within else explanation)


def _part(planned: float, logged: float, most: float) -> bool:
    return abs(planned - logged) <= most * abs(logged)


def _near(planned: float, logged: float) -> bool:
    return abs(planned - logged) <= _WORKING_GIB


def _cache_gib(planned: float, logged: float) -> bool:
    if abs(logged) < _LARGE_GIB:
        return abs(planned - logged) <= _CACHE_GIB
    return _part(planned, logged, _CACHE)


def _tokens(one: Candidate, log: Mapping[str, Any]) -> Callable[[float, float], bool]:
    """As the memory they lie in, where the log tells that too."""
    logged_gib = log.get("kv_cache_gib")
    fullest = one.fullest

    def is_within(planned: float, logged: float) -> bool:
        if logged_gib is not None and fullest is not None and logged_gib < _LARGE_GIB:
            return _cache_gib(fullest.kv_cache_gib, logged_gib)
        return _part(planned, logged, _CACHE)

    return is_within


def _why_cache_differs(one: Candidate, log: Mapping[str, Any]) -> str:
    """What the log says that leaves more or less cache than planned, the plainest first."""
    fullest, logged = one.fullest, log.get("kv_cache_gib")
    card = one.servers[0][0]
    total = log.get("total_gib")
    if total and abs(total - card.memory_gib) > 0.02 * card.memory_gib:
        return f"the log's card has {total:.2f} GiB, the one planned with {card.memory_gib:.2f}"
    if log["settings"].get("speculative_decoding"):
        return "the log's server predicts further tokens, whose layers and cache are not planned"
    if log["settings"].get("gpu_memory_utilization") is None and one.setup:
        share = one.setup.gpu_memory_utilization
        told = f"the log does not state gpu_memory_utilization; {share:g} was taken"
    else:
        told = ""
    compiled = log.get("compilation_s") or 0.0
    is_less = logged is not None and fullest is not None and logged < fullest.kv_cache_gib
    if is_less and compiled > _COMPILED_S:
        return (
            f"this start compiled for {compiled:.0f} s, which takes memory that a start from the "
            "compile cache leaves to the KV cache: start it again and compare that log"
        )
    return told


def _another_model(rows: Sequence[Compared], log: Mapping[str, Any]) -> tuple[str, ...]:
    """Weights that far apart are other weights."""
    weights = next((row for row in rows if row.name == "weights_gib"), None)
    if weights is None or abs(weights.deviation or 0.0) < _OTHER_WEIGHTS:
        return ()
    told = log["settings"]
    name, method = told.get("model") or "none that it names", told.get("quantization")
    made = f", quantisation {method}" if method else ""
    return (f"weights so far off are those of another model: the log's is {name}{made}",)


def _outcome(one: Candidate, log: Mapping[str, Any]) -> tuple[bool, list[str]]:
    """Whether plan and log say the same of its fitting."""
    error = log["error"]
    if error is None:
        started = log.get("kv_cache_tokens") is not None or log.get("start_s") is not None
        if not one.fits and started and one.refusal:
            return False, [f"planned not to fit ({one.refusal.reason}), and it started"]
        return True, []
    words = [f"the start failed, {error['class']}: {error['message'][:300]}"]
    length = log.get("estimated_max_model_len")
    if length:
        words.append(f"by the log a max_model_len of {length} would fit")
    if error["class"] in _MEMORY_ERRORS and one.fits:
        return False, [*words, "the plan says that it fits"]
    if error["class"] in _MEMORY_ERRORS:
        return True, [*words, "as planned"]
    return not one.fits, [*words, "which no plan of memory foretells"]
