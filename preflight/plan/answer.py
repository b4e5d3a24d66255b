"""The whole plan: every layout of a host's cards for one model, and the one to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

from preflight.facts import Facts
from preflight.layout import Layout
from preflight.plan import cost, given, memory, settings
from preflight.plan.advice import Advice, advise
from preflight.plan.arrangements import Arrangement, Cards, arrange, considered
from preflight.plan.cost import Price
from preflight.plan.links import Link, link
from preflight.plan.rates import Rates, rates
from preflight.plan.scaling import Scaling, mixed_words, scaling
from preflight.plan.shapes import Device, Memory, Model, RankMemory, Refusal, Setup
from preflight.plan.throughput import Server, Speed, decode, prefill
from preflight.plan.wish import Wish

BUSIER = 4  # times the asked concurrency: whether the same layout is best when more come
_EAGER = "CUDA graphs leave no room; without them it fits, and is slower"


@dataclass(frozen=True)
class Candidate:
    """One layout: why not, or what it holds, how fast it is, what it costs and how to set it."""

    layout: Layout
    servers: tuple[Cards, ...] = ()
    setup: Setup | None = None
    memory: Memory | None = None  # of the server with the least cache
    refusal: Refusal | None = None
    link: Link | None = None
    decode: Mapping[int, Speed] = field(default_factory=dict)  # requests at once -> over all
    prefill: Speed | None = None
    scaling: Scaling | None = None
    cost_per_mtok: Price | None = None  # by the speed of decode alone
    served_cost_per_mtok: Price | None = None  # the time for prompts counted
    busier_tok_s: float = 0.0  # of answers, with BUSIER times as many requests at once
    advice: Advice = field(default_factory=Advice)
    gains: Mapping[str, int] = field(default_factory=dict)  # setting -> cache tokens it adds
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return self.refusal is None

    @property
    def fullest(self) -> RankMemory | None:
        return self.memory.fullest if self.memory else None

    def served_tok_s(self, wish: Wish) -> float:
        """Tokens of answers a second, the time for their prompts counted."""
        if self.prefill is None:
            return 0.0
        return served(self.decode[wish.concurrency], self.prefill, wish)

    @property
    def cards(self) -> int:
        return sum(map(len, self.servers))


@dataclass(frozen=True)
class Plan:
    model: Model
    devices: Cards
    wish: Wish
    candidates: tuple[Candidate, ...]
    price_per_hour: Price | None = None
    notes: tuple[str, ...] = ()


def plan(model: Model, devices: Cards, wish: Wish, facts: Facts | None = None) -> Plan:
    """Of every layout these cards could be given, or of the one asked for and its neighbours."""
    told = rates()
    layouts = list(considered(len(devices)))
    if wish.layout and wish.layout.name not in {layout.name for layout in layouts}:
        layouts.append(wish.layout)
    price = cost.an_hour(wish.price, wish.power_price, devices)
    alone = _alone(model, devices, wish, told)
    candidates = tuple(
        _candidate(model, arrange(devices, layout, facts), wish, told, facts, price, alone)
        for layout in layouts
    )
    return Plan(model, devices, wish, candidates, price, (*model.notes, *given.notes(wish)))


def _alone(model: Model, devices: Cards, wish: Wish, told: Rates) -> Server | None:
    """The strongest card by itself, against which the others are held; memory left aside."""
    arrangement = arrange(devices, considered(1)[0])
    cards = arrangement.servers[0]
    setup = settings.setup(
        model,
        cards,
        vllm_version=wish.vllm_version,
        overrides=wish.overrides,
        tensor_parallel_size=1,
        pipeline_parallel_size=1,
    )
    setup = replace(setup, pp_layer_partition=None)
    return Server(model, cards, setup, link(cards, told), told)


def _candidate(
    model: Model,
    arrangement: Arrangement,
    wish: Wish,
    told: Rates,
    facts: Facts | None,
    price: Price | None,
    alone: Server | None,
) -> Candidate:
    layout = arrangement.layout
    made = Candidate(layout, arrangement.servers, refusal=arrangement.refusal)
    if made.refusal:
        return made
    fitted = [_fit(model, cards, layout, wish) for cards in _kinds(arrangement.servers)]
    setup, held, why_eager = min(fitted, key=lambda one: (one[1].fits, one[1].kv_cache_tokens))
    has_peers = not given.is_on(wish.settings, "NCCL_P2P_DISABLE")
    way = link(arrangement.servers[0], told, facts, has_peers=has_peers)
    made = replace(made, setup=setup, memory=held, link=way, refusal=held.refusal)
    servers = [Server(model, c, setup, way, told) for c in arrangement.servers]
    if arrangement.is_mixed and _is_divisible(held):
        return replace(made, refusal=_mixed(servers[0], wish, alone))
    refusal = made.refusal or _damaged(way, setup) or _too_long(held, setup, wish)
    made = replace(made, refusal=refusal)
    if made.refusal:
        return made
    made = _with_speed(made, servers, wish, price, alone)
    cards = arrangement.servers[0]
    advice = advise(model, cards, setup, held, way, wish, why_eager)
    return replace(made, advice=advice, gains=_gains(model, cards, setup, held), notes=held.notes)


def _fit(model: Model, cards: Cards, layout: Layout, wish: Wish) -> tuple[Setup, Memory, str]:
    """With CUDA graphs; without them where only so it fits."""
    setup = settings.setup(
        model,
        cards,
        vllm_version=wish.vllm_version,
        overrides=wish.overrides,
        tensor_parallel_size=layout.tensor_parallel_size,
        pipeline_parallel_size=layout.pipeline_parallel_size,
    )
    setup, held = _with_fewer_seqs(model, cards, setup, wish)
    if held.fits or setup.enforce_eager or (held.refusal and held.refusal.kind != "memory"):
        return setup, held, ""
    eager = replace(setup, enforce_eager=True)
    without = memory.estimate(model, cards, eager)
    return (eager, without, _EAGER) if without.fits else (setup, held, "")


def _with_fewer_seqs(model: Model, cards: Cards, setup: Setup, wish: Wish) -> tuple[Setup, Memory]:
    """As many requests as the cache holds of the asked length, where that is less than the default.

    Each costs room of its own, for graphs and sampling. What was set by hand stays.
    """
    held = memory.estimate(model, cards, setup)
    if not held.ranks or "max_num_seqs" in wish.settings:
        return setup, held
    most, tried = setup.max_num_seqs, {setup.max_num_seqs}
    seqs = _seqs(held, wish, most)
    while seqs not in tried:  # fewer leave more room, and with that more may be right again
        tried.add(seqs)
        setup = replace(setup, max_num_seqs=seqs)
        held = memory.estimate(model, cards, setup)
        seqs = _seqs(held, wish, most)
    return setup, held


def _seqs(held: Memory, wish: Wish, most: int) -> int:
    """As many as the cache holds, rounded up to a power of two."""
    wanted = max(held.kv_cache_tokens // wish.request_tokens, 1)
    return min(1 << (wanted - 1).bit_length(), most)


def _with_speed(
    made: Candidate,
    servers: Sequence[Server],
    wish: Wish,
    price: Price | None,
    alone: Server | None,
) -> Candidate:
    assert made.memory is not None
    assert made.setup is not None
    room = _room(made.memory, made.setup, wish)
    speeds = {batch: over(servers, batch, room, wish.context_tokens) for batch in wish.batches}
    prompts = reduce(_together, (prefill(server, wish.input_tokens) for server in servers))
    asked = speeds[wish.concurrency]
    busier = over(servers, BUSIER * wish.concurrency, room, wish.context_tokens)
    rate = served(asked, prompts, wish)
    return replace(
        made,
        decode=speeds,
        prefill=prompts,
        scaling=scaling(speeds, alone, wish, servers) if alone else None,
        cost_per_mtok=cost.per_million(price, asked.tok_s) if price else None,
        served_cost_per_mtok=cost.per_million(price, rate) if price else None,
        busier_tok_s=served(busier, prompts, wish),
    )


def served(speed: Speed, prompts: Speed, wish: Wish) -> float:
    """Tokens of answers a second, where each answer's prompt takes its time of the same cards."""
    answering = wish.output_tokens / speed.tok_s
    reading = wish.input_tokens / prompts.tok_s
    return max(wish.output_tokens, 1) / max(answering + reading, 1e-9)


def over(servers: Sequence[Server], batch: int, room: int, context_tokens: int) -> Speed:
    """Requests dealt out evenly over servers, each running at most what its cache holds."""
    total: Speed | None = None
    for number, server in enumerate(servers):
        share = batch // len(servers) + (number < batch % len(servers))
        if share:
            speed = decode(server, min(share, room), context_tokens)
            total = speed if total is None else _together(total, speed)
    assert total is not None
    return total


def _together(one: Speed, two: Speed) -> Speed:
    return replace(
        one,
        tok_s=one.tok_s + two.tok_s,
        low=one.low + two.low,
        high=one.high + two.high,
        batch=one.batch + two.batch,
    )


def _room(held: Memory, setup: Setup, wish: Wish) -> int:
    """Requests of the asked length that run at once; the others wait."""
    if held.fits and not held.kv_cache_tokens:
        return setup.max_num_seqs  # of an encoder, which caches nothing
    by_cache = held.kv_cache_tokens // max(wish.request_tokens, 1)
    return max(1, min(by_cache, setup.max_num_seqs))


def _damaged(way: Link, setup: Setup) -> Refusal | None:
    """Ranks that exchange through a path which was seen to damage data would compute with it."""
    if not way.has_fault or setup.ranks == 1:
        return None
    words = f"{way.reason}: what the ranks send each other could be wrong and nobody would notice"
    return Refusal(words, kind="peers")


def _too_long(held: Memory, setup: Setup, wish: Wish) -> Refusal | None:
    """Where not one request of the asked length has room."""
    longest = setup.max_model_len or held.max_model_len
    if wish.request_tokens <= longest:
        return None
    words = f"a request of {wish.request_tokens} tokens has no room: the longest is {longest}"
    return Refusal(words, kind="length")


def _is_divisible(held: Memory) -> bool:
    """So far that its memory was computed, whether it fits or not."""
    return bool(held.ranks)


def _mixed(server: Server, wish: Wish, alone: Server | None) -> Refusal:
    words = mixed_words(server, alone, wish)
    return Refusal(words, instead="separate services (split), or a pipeline", kind="cards")


def _kinds(servers: Sequence[Cards]) -> list[Cards]:
    """One server of each sort: what alike cards hold is alike."""
    seen: dict[tuple[tuple[str, float, float | None], ...], Cards] = {}
    for cards in servers:
        seen.setdefault(tuple((c.name, c.memory_gib, c.memory_used_gib) for c in cards), cards)
    return list(seen.values())


def _gains(model: Model, cards: Cards, setup: Setup, held: Memory) -> Mapping[str, int]:
    """Cache tokens that a setting would add."""
    changed: dict[str, Setup] = {}
    if not setup.enforce_eager:
        changed["enforce-eager"] = replace(setup, enforce_eager=True)
    if setup.kv_cache_dtype == "auto" and model.kv_cache_dtype == "auto" and _takes_fp8(cards):
        changed["kv-cache-dtype: fp8"] = replace(setup, kv_cache_dtype="fp8")
    gains = {
        name: memory.estimate(model, cards, other).kv_cache_tokens - held.kv_cache_tokens
        for name, other in changed.items()
    }
    return {name: tokens for name, tokens in gains.items() if tokens > 0}


def _takes_fp8(cards: Sequence[Device]) -> bool:
    """From compute capability 8.0 on, through Triton below 8.9."""
    return all(card.compute_capability >= (8, 0) for card in cards)
