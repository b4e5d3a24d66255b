from __future__ import annotations

import pytest

from preflight.checks.ram_speed import Limits, check
from preflight.facts import MemoryModules
from preflight.findings import PASS, WARN, Status


def modules(per_channel: tuple[int, ...] | None, **told: int | None) -> MemoryModules:
    count = sum(per_channel or ())
    values = {"modules": count, "slots": 8, "speed_mt_s": 3200, "rated_mt_s": 3200} | told
    return MemoryModules(per_channel=per_channel, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "per_channel, status",
    [
        ((1, 1, 1, 1, 1, 1, 1, 1), PASS),
        ((0, 0, 1, 1, 0, 0, 1, 1), WARN),
        ((1, 1, 0, 1, 1, 0), PASS),
        ((1, 0, 1), PASS),
        ((1, 0), WARN),
        ((1, 1, 0, 0), WARN),
        ((1, 1, 1, 0), PASS),
        # Just above the half that is too little: 51 of 100.
        ((1,) * 51 + (0,) * 49, PASS),
        ((1,) * 50 + (0,) * 50, WARN),
        ((2, 1, 2, 1), WARN),
        ((2, 2), PASS),
        ((1,), PASS),
    ],
)
def test_channels(per_channel: tuple[int, ...], status: Status) -> None:
    assert check(Limits(), memory_modules=modules(per_channel)).status is status


@pytest.mark.parametrize(
    "speed, rated, status",
    [(2880, 3200, PASS), (2879, 3200, WARN), (None, 3200, PASS), (2133, None, PASS)],
)
def test_speed(speed: int | None, rated: int | None, status: Status) -> None:
    told = modules((1, 1), speed_mt_s=speed, rated_mt_s=rated)
    assert check(Limits(), memory_modules=told).status is status


@pytest.mark.parametrize(
    "count, speed, status",
    [(2, 3200, WARN), (3, 3200, Status.UNKNOWN), (8, 3200, Status.UNKNOWN), (8, 2400, WARN)],
)
def test_slots_without_a_channel(count: int, speed: int, status: Status) -> None:
    """Two of eight slots fill half of four channels at most."""
    told = modules(None, modules=count, speed_mt_s=speed)
    assert check(Limits(), memory_modules=told).status is status


def test_the_message_tells_what_is_empty() -> None:
    told = modules((0, 0, 1, 1, 0, 0, 1, 1), speed_mt_s=2400)
    words = "memory: 4 of 8 channels hold a module; modules run at 2400 MT/s, made for 3200"
    assert check(Limits(), memory_modules=told).message == words
    full = check(Limits(), memory_modules=modules((1, 1, 0, 1, 1, 0)))
    assert full.message == "memory: 4 of 6 channels filled"


def test_slots_of_more_channels_than_two_to_a_channel() -> None:
    """Three slots to each of four channels: two modules fill half of four channels at most."""
    told = modules(None, modules=2, slots=12)
    assert check(Limits(slots_per_channel=3), memory_modules=told).status is WARN
    more = modules(None, modules=3, slots=12)
    assert check(Limits(slots_per_channel=3), memory_modules=more).status is Status.UNKNOWN


def test_a_single_channel_that_holds_nothing_is_not_half_empty() -> None:
    assert check(Limits(), memory_modules=modules((1,), slots=1)).status is PASS
