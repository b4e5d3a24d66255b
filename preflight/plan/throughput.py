"""How fast a server is: the time of one step, part by part, and what it makes of it.

A step reads the weights once, whatever the batch, and each request's cache; it computes, and its
ranks meet twice a layer. What limits is the larger of reading and computing, and what is added to
both. docs/planner.md derives it; the constants are those of speed.yaml.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from preflight.plan import formats, kv_cache
from preflight.plan.links import Link
from preflight.plan.rates import Rates
from preflight.plan.shapes import Device, Format, Layer, Model, Setup, Work
from preflight.plan.stages import layers_of
from preflight.plan.weights import work

BANDWIDTH, CACHE, COMPUTE = "memory bandwidth", "KV cache reads", "compute"
OVERHEAD, HOST = "kernel overhead", "host CPU (eager)"
LATENCY, TRANSFER = "collective latency", "collective bandwidth"
BUBBLES = "pipeline bubbles"
_ACTIVATION_BYTES = 2
_FALLBACK_CLOCK_HZ = 1.7e9  # a guess, for a card of which no tensor rate is known
_FALLBACK_FLOP = 512  # per clock and multiprocessor: the least of any with tensor cores


@dataclass(frozen=True)
class Step:
    """Seconds of one step on one stage, by what they are spent on."""

    parts: Mapping[str, float]

    @property
    def seconds(self) -> float:
        return sum(self.parts.values())


@dataclass(frozen=True)
class Speed:
    """Tokens a second over all requests; `low` and `high` are what it may turn out to be."""

    tok_s: float
    low: float
    high: float
    bound_by: str  # the largest part of the time
    batch: int = 1  # requests that run at once
    shares: Mapping[str, float] = field(default_factory=dict)  # part -> share of the time

    def times(self, factor: float) -> Speed:
        """Of so many servers at once."""
        scaled = (self.tok_s * factor, self.low * factor, self.high * factor)
        return replace(self, tok_s=scaled[0], low=scaled[1], high=scaled[2])


@dataclass(frozen=True)
class Server:
    """What the speed of one server depends on; its cards in order of their ranks."""

    model: Model
    devices: Sequence[Device]
    setup: Setup
    link: Link
    rates: Rates

    def stage(self, pp_rank: int) -> Sequence[Device]:
        size = self.setup.tensor_parallel_size
        return self.devices[pp_rank * size : (pp_rank + 1) * size]

    @property
    def stages(self) -> range:
        return range(self.setup.pipeline_parallel_size)


def decode(server: Server, batch: int, context_tokens: int) -> Speed:
    """With so many requests at once, each with that much before it.

    A pipeline splits the requests over its stages, so that each works on a part of them while the
    others work on theirs; with fewer requests than stages some wait.
    """
    pp = server.setup.pipeline_parallel_size
    groups = min(batch, pp)
    rows = -(-batch // groups)
    steps = [_step(server, stage, rows, rows, context_tokens) for stage in server.stages]
    hops = (pp - 1) * _hop_s(server, rows)
    through = sum(step.seconds for step in steps) + hops
    busy = groups * max(step.seconds for step in steps)
    if groups > 1:
        busy /= server.rates.pipeline_share
    seconds = max(through, busy)
    parts: dict[str, float] = defaultdict(float)
    for step in steps:
        for name, spent in step.parts.items():
            parts[name] += spent * groups / pp
    parts[LATENCY] += hops
    parts[BUBBLES] += max(0.0, seconds - sum(parts.values()))
    return _speed(server, batch / seconds, parts, batch)


def prefill(server: Server, prompt_tokens: int) -> Speed:
    """Prompts of that length, as many as fill a step; stages of a pipeline take turns."""
    tokens = server.setup.max_num_batched_tokens
    prompts = max(1, tokens // max(prompt_tokens, 1))
    steps = [_step(server, stage, tokens, prompts, 0, prompt_tokens) for stage in server.stages]
    slowest = max(steps, key=lambda step: step.seconds)
    parts = dict(slowest.parts)
    if len(steps) > 1:
        parts[TRANSFER] = parts.get(TRANSFER, 0.0) + _hop_s(server, tokens)
        parts[BUBBLES] = slowest.seconds * (1 / server.rates.pipeline_share - 1)
    return _speed(server, tokens / sum(parts.values()), parts, prompts)


def _step(
    server: Server,
    pp_rank: int,
    tokens: int,
    requests: int,
    context_tokens: int,
    prompt_tokens: int = 0,
) -> Step:
    """One step of one stage; in a group every rank waits for the slowest card."""
    cards = server.stage(pp_rank)
    all_parts = (
        _rank_parts(server, card, pp_rank, tokens, requests, context_tokens, prompt_tokens)
        for card in cards
    )
    parts = max(all_parts, key=lambda parts: sum(parts.values()))
    parts.update(_collectives(server, pp_rank, tokens, requests))
    return Step(parts)


def _rank_parts(
    server: Server,
    card: Device,
    pp_rank: int,
    tokens: int,
    requests: int,
    context_tokens: int,
    prompt_tokens: int,
) -> dict[str, float]:
    told, model, setup = server.rates, server.model, server.setup
    each = work(model, setup, pp_rank, tokens, card.compute_capability, sampled=requests)
    layers = len(layers_of(model, setup, pp_rank))
    reading = sum(_reading_s(one, card, server) for one in each)
    computing = sum(_computing_s(one, card, server) for one in each)
    computing += _attention_s(server, card, pp_rank, tokens, prompt_tokens)
    cache = 0.0
    if context_tokens:
        read = kv_cache.read_bytes(model, setup, pp_rank, context_tokens)
        cache = requests * read / (_read_gb_s(card, told.cache_share) * 1e9)
    quantising = told.quantise_us if any(_is_quantised(one.format, card) for one in each) else 0.0
    overhead = layers * (told.layer_us + quantising) * 1e-6
    if pp_rank == setup.pipeline_parallel_size - 1:
        overhead += requests * told.request_us * 1e-6
    parts = {BANDWIDTH: 0.0, COMPUTE: 0.0, CACHE: cache, OVERHEAD: overhead}
    parts[BANDWIDTH if reading >= computing else COMPUTE] = max(reading, computing)
    return _on_the_host(parts, layers, server)


def _on_the_host(parts: dict[str, float], layers: int, server: Server) -> dict[str, float]:
    """Without CUDA graphs the host has to launch every kernel, while the card waits."""
    launching = layers * server.rates.eager_layer_us * 1e-6
    if server.setup.enforce_eager and launching > sum(parts.values()):
        return {HOST: launching}
    return parts


def _reading_s(one: Work, card: Device, server: Server) -> float:
    told = server.rates
    reached = _read_gb_s(card, told.bandwidth_share) * _experts_share(server)
    seconds = one.bytes_read / (reached * 1e9)
    if one.format.bits < 8 and not formats.is_native(one.format, card.compute_capability):
        weights = one.bytes_read / formats.bytes_of(one.format, 1 << 12, 1 << 12) * (1 << 24)
        seconds = max(seconds, weights / (max(card.sm_count, 1) * told.unpack_g_s * 1e9))
    return seconds


def _read_gb_s(card: Device, share: float) -> float:
    """A part of the nominal rate, and no more than a plain read was measured to reach."""
    nominal = card.memory_gb_s * share
    return min(nominal, card.measured_read_gb_s) if card.measured_read_gb_s else nominal


def _computing_s(one: Work, card: Device, server: Server) -> float:
    return one.flop / (_tensor_flop_s(one.format, card, server.rates) * _experts_share(server))


def _tensor_flop_s(format: Format, card: Device, told: Rates) -> float:
    """What long products of that format reach on that card."""
    name = format.computes_in
    is_native = formats.is_native(format, card.compute_capability)
    if is_native and format.bits < 16 and name in card.tflops:
        return _at_most(card.tflops[name] * told.matmul_share_8, card, name)
    return _tensor_16_flop_s(card, told)


def _tensor_16_flop_s(card: Device, told: Rates) -> float:
    for name in ("bf16", "fp16"):
        if name in card.tflops:
            return _at_most(card.tflops[name] * told.matmul_share_16, card, name)
    guessed = card.sm_count * _FALLBACK_FLOP * _FALLBACK_CLOCK_HZ / 1e12
    return _at_most(guessed * told.matmul_share_16, card, "bf16")


def _at_most(tflops: float, card: Device, name: str) -> float:
    """In FLOP a second, and no more than was measured on the card."""
    return min(tflops, card.measured_tflops.get(name, tflops)) * 1e12


def _attention_s(
    server: Server, card: Device, pp_rank: int, tokens: int, prompt_tokens: int
) -> float:
    """Of a prompt with itself: each token with half of the others, at most with the window."""
    flop = 0.0
    for layer in layers_of(server.model, server.setup, pp_rank):
        window = layer.cache.window_tokens if layer.cache else 0
        seen = min(prompt_tokens / 2, window) if window else prompt_tokens / 2
        flop += 4.0 * layer.query_heads * layer.head_dim * tokens * seen
    flop /= server.setup.tensor_parallel_size
    return flop / _tensor_16_flop_s(card, server.rates)


def _collectives(server: Server, pp_rank: int, tokens: int, requests: int) -> dict[str, float]:
    """After attention, after the MLP, after the embedding; and the logits gathered."""
    ranks = server.setup.tensor_parallel_size
    if ranks == 1:
        return {}
    model, is_last = server.model, pp_rank == server.setup.pipeline_parallel_size - 1
    count = 2 * len(layers_of(model, server.setup, pp_rank)) + (pp_rank == 0)
    latency, transfer = server.link.all_reduce_s(
        tokens * model.hidden_size * _ACTIVATION_BYTES, ranks
    )
    gathered = requests * model.vocab_size * _ACTIVATION_BYTES if is_last else 0
    return {
        LATENCY: (count + is_last) * latency,
        TRANSFER: count * transfer + server.link.copy_s(gathered),
    }


def _hop_s(server: Server, tokens: int) -> float:
    """Hidden states and residual from one stage to the next."""
    bytes_ = 2 * tokens * server.model.hidden_size * _ACTIVATION_BYTES
    return server.rates.hop_us * 1e-6 + server.link.copy_s(bytes_)


def _speed(server: Server, tok_s: float, parts: Mapping[str, float], batch: int) -> Speed:
    total = sum(parts.values())
    shares = {name: s / total for name, s in parts.items() if s > 0.0005 * total}
    spread = spread_of(server)
    low, high = tok_s * (1 - spread), tok_s * (1 + spread)
    bound_by = max(shares, key=lambda name: shares[name])
    return Speed(tok_s, low, high, bound_by, batch, shares)


def spread_of(server: Server) -> float:
    """How far it may be off: what was fitted, and each step away from it, in quadrature."""
    told = server.rates.spread
    steps = [told["fitted"]]
    if any(card.compute_capability != (9, 0) for card in server.devices):
        steps.append(told["other_card"])
    if server.model.format.name not in ("bf16", "fp8", "awq"):
        steps.append(told["other_format"])
    if server.setup.ranks > 1:
        steps.append(told["several_cards"])
    if _has_experts(server.model):
        steps.append(told["experts"])
    if not server.model.is_known or _has_state(server.model):
        steps.append(told["other_architecture"])
    if server.setup.enforce_eager:
        steps.append(told["eager"])
    return float(min(0.9, sum(step**2 for step in steps) ** 0.5))


def _has_experts(model: Model) -> bool:
    return any(m.copies > 1 for layer in _kinds(model) for m in layer.matrices)


def _has_state(model: Model) -> bool:
    return any(layer.cache is not None and layer.cache.kind == "state" for layer in _kinds(model))


def _kinds(model: Model) -> Iterable[Layer]:
    """Each layer object once: most models repeat a few, and to compare them by value is slow."""
    return {id(layer): layer for layer in model.layers}.values()


def _experts_share(server: Server) -> float:
    return server.rates.experts_share if _has_experts(server.model) else 1.0


def _is_quantised(format: Format, card: Device) -> bool:
    """Its products quantise the activations first."""
    return format.bits < 16 and formats.is_native(format, card.compute_capability)
