"""What must be true of the speed of any model on any cards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.plan import cards, lookup
from preflight.plan.answer import over, plan
from preflight.plan.links import link
from preflight.plan.rates import rates
from preflight.plan.settings import setup
from preflight.plan.shapes import Device
from preflight.plan.throughput import Server, Speed, decode, prefill
from preflight.plan.wish import Wish

MODELS = ("llama-3.1-8b", "llama-3.1-70b-awq", "gpt-oss-20b", "mixtral-8x7b", "deepseek-v3")
CARDS = ("RTX 4090", "RTX 3090", "RTX 3050", "Tesla T4", "H100 80GB HBM3", "B200", "L4")
models = st.sampled_from(MODELS).map(lookup.find)
one_card = st.sampled_from(CARDS).map(lambda name: cards.parse(name)[0])


def _server(model: object, devices: tuple[Device, ...], tensor: int, stages: int) -> Server:
    told = setup(
        model,  # type: ignore[arg-type]
        devices,
        vllm_version="0.32.0",
        tensor_parallel_size=tensor,
        pipeline_parallel_size=stages,
    )
    return Server(model, devices, told, link(devices, rates()), rates())  # type: ignore[arg-type]


def _many(card: Device, count: int) -> tuple[Device, ...]:
    return tuple(replace(card, subject=f"gpu{n}") for n in range(count))


def _is_sound(speed: Speed) -> bool:
    return (
        0 < speed.low <= speed.tok_s <= speed.high < 1e8
        and abs(sum(speed.shares.values()) - 1) < 0.02
        and speed.bound_by in speed.shares
    )


@settings(max_examples=60, deadline=None)
@given(
    model=models,
    card=one_card,
    sizes=st.sampled_from([(1, 1), (2, 1), (8, 1), (1, 2), (2, 2), (1, 8)]),
    batch=st.integers(1, 1024),
    context=st.integers(0, 200_000),
)
def test_every_estimate_is_sound(
    model: object, card: Device, sizes: tuple[int, int], batch: int, context: int
) -> None:
    server = _server(model, _many(card, sizes[0] * sizes[1]), *sizes)
    assert _is_sound(decode(server, batch, context))
    assert _is_sound(prefill(server, max(context, 1)))


@settings(max_examples=40, deadline=None)
@given(model=models, card=one_card, batch=st.integers(1, 256), factor=st.floats(1.0, 4.0))
def test_more_of_anything_is_never_slower(
    model: object, card: Device, batch: int, factor: float
) -> None:
    slow = decode(_server(model, (card,), 1, 1), batch, 600).tok_s
    for better in (
        replace(card, memory_gb_s=card.memory_gb_s * factor),
        replace(card, tflops={name: rate * factor for name, rate in card.tflops.items()}),
        replace(card, sm_count=int(card.sm_count * factor) + 1),
    ):
        assert decode(_server(model, (better,), 1, 1), batch, 600).tok_s >= slow * 0.999


@settings(max_examples=40, deadline=None)
@given(model=models, card=one_card, batch=st.integers(1, 200))
def test_more_requests_never_make_less_in_all_and_more_for_each(
    model: object, card: Device, batch: int
) -> None:
    server = _server(model, (card,), 1, 1)
    one, two = decode(server, batch, 600).tok_s, decode(server, batch + 1, 600).tok_s
    assert two >= one * 0.98  # a batch that begins to compute has a corner
    assert two / (batch + 1) <= one / batch * 1.001


@settings(max_examples=30, deadline=None)
@given(model=models, card=one_card, longer=st.integers(1, 100_000))
def test_a_longer_context_is_never_faster(model: object, card: Device, longer: int) -> None:
    server = _server(model, (card,), 1, 1)
    assert decode(server, 8, 100 + longer).tok_s <= decode(server, 8, 100).tok_s


@settings(max_examples=20, deadline=None)
@given(model=models, batch=st.integers(1, 64))
def test_a_mixed_group_is_no_faster_than_one_of_its_slower_card(model: object, batch: int) -> None:
    slow, fast = cards.parse("RTX 3090")[0], cards.parse("RTX 4090")[0]
    mixed = _server(model, (replace(fast, subject="gpu1"), slow), 2, 1)
    alike = _server(model, _many(slow, 2), 2, 1)
    assert decode(mixed, batch, 600).tok_s <= decode(alike, batch, 600).tok_s * 1.001


@settings(max_examples=30, deadline=None)
@given(batch=st.integers(1, 100), servers=st.integers(1, 8), room=st.integers(1, 50))
def test_replicas_run_no_more_than_they_hold(batch: int, servers: int, room: int) -> None:
    each = _server(lookup.find("llama-3.1-8b"), cards.parse("RTX 4090"), 1, 1)
    speed = over([each] * servers, batch, room, 600)
    assert speed.batch <= min(batch, servers * room)
    assert speed.batch >= min(batch, room)


@settings(max_examples=25, deadline=None)
@given(
    model=models,
    gpus=st.lists(st.sampled_from(CARDS), min_size=1, max_size=4).map(", ".join),
    concurrency=st.integers(1, 500),
    lengths=st.tuples(st.integers(1, 100_000), st.integers(1, 10_000)),
)
def test_every_plan_is_whole(
    model: object, gpus: str, concurrency: int, lengths: tuple[int, int]
) -> None:
    wish = Wish(
        "0.32.0", concurrency=concurrency, input_tokens=lengths[0], output_tokens=lengths[1]
    )
    made = plan(model, cards.parse(gpus), wish)  # type: ignore[arg-type]
    assert made.candidates
    for one in made.candidates:
        assert one.fits or one.refusal
        assert not one.refusal or one.refusal.reason
        if one.fits:
            assert one.memory is not None
            assert one.memory.kv_cache_tokens > 0
            assert set(one.decode) == {1, 8, 32, concurrency}
            assert all(_is_sound(speed) for speed in one.decode.values())
            assert set(one.advice.reasons) == {*one.advice.vllm, *one.advice.env}


@pytest.mark.parametrize("gpus", ["RTX 4090", "2x RTX 4090", "RTX 4090, RTX 3090"])
def test_cards_that_are_there_are_never_taken_twice(gpus: str) -> None:
    made = plan(lookup.find("llama-3.1-8b"), cards.parse(gpus), Wish("0.32.0"))
    for one in made.candidates:
        taken = [card.subject for server in one.servers for card in server]
        assert len(taken) == len(set(taken))


@settings(max_examples=20, deadline=None)
@given(model=models, card=one_card, batch=st.integers(1, 256))
def test_a_pipeline_helps_no_single_request_and_at_most_doubles_the_rest(
    model: object, card: Device, batch: int
) -> None:
    alone, two = _server(model, (card,), 1, 1), _server(model, _many(card, 2), 1, 2)
    assert decode(two, 1, 600).tok_s <= decode(alone, 1, 600).tok_s
    assert decode(two, batch, 600).tok_s <= 2 * decode(alone, batch, 600).tok_s
    assert prefill(two, 600).tok_s <= 2 * prefill(alone, 600).tok_s * 1.001
