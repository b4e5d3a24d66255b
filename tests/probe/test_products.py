"""The answers that the tensor kernels are held to."""

from __future__ import annotations

import hashlib
import struct
from array import array

import pytest

from preflight.probe import products
from preflight.probe.measure_compute import FMA, FMA_THREADS, PARTS, Impossible, Timed, fma_sums
from preflight.probe.products import KINDS, Kind, elements, mma_sums, wgmma_sums

# What an H100 gave for 400 rounds (docs/accuracy.md): one block of 256 threads, or 1024.
ON_AN_H100 = {
    "fma-fp32": "c64837048cb2f7b0",
    "tensor-bf16": "b6319abb38bcdd4f",
    "tensor-fp16": "45e1fe2fbc49f7d6",
    "tensor-fp8": "885e1276ffc97dda",
    "tensor-int8": "fed5c5ca07b5b31c",
}


def checksum(sums: list[int], threads: int) -> str:
    data = array("I", sums * (threads // len(sums))).tobytes()
    return hashlib.sha256(data).hexdigest()[:16]


@pytest.mark.parametrize("name", ["bf16", "fp16", "fp8"])
def test_the_answer_is_that_of_a_real_card(name: str) -> None:
    assert checksum(wgmma_sums(KINDS[name], 1), 256) == ON_AN_H100[f"tensor-{name}"]


def test_the_answer_of_whole_numbers_counts_every_round() -> None:
    found = checksum(wgmma_sums(KINDS["int8"], 400 // PARTS * 2 + 1), 256)
    assert found == ON_AN_H100["tensor-int8"]


def test_the_answer_of_multiply_add_is_that_of_a_real_card() -> None:
    assert checksum(fma_sums(400), FMA_THREADS) == ON_AN_H100["fma-fp32"]


@pytest.mark.parametrize("name", ["bf16", "fp16", "fp8"])
def test_the_numbers_are_what_the_bits_say(name: str) -> None:
    """Against the formats' definitions: sign, exponent with its bias, mantissa."""
    kind = KINDS[name]
    exponent, mantissa, bias = {"bf16": (8, 7, 127), "fp16": (5, 10, 15), "fp8": (4, 3, 7)}[name]
    for index in range(200):
        word = products.word(index, kind)
        for place, number in enumerate(elements(index, kind)):
            bits = word >> place * kind.bits & (1 << kind.bits) - 1
            power = (bits >> mantissa & (1 << exponent) - 1) - bias
            value = (1 + (bits & (1 << mantissa) - 1) / (1 << mantissa)) * 2.0**power
            assert number * kind.unit**0.5 == (-value if bits >> kind.bits - 1 else value)


@pytest.mark.parametrize("name", list(KINDS))
def test_every_sum_is_exact_in_any_order(name: str) -> None:
    """The largest that could come stays below what single precision (or 32 bits) holds."""
    kind = KINDS[name]
    largest = max(abs(n) for index in range(10_240) for n in elements(index, kind))
    along_k = 1024 // kind.bits
    assert largest**2 * along_k < (2**31 if kind.is_integer else 2**24)


def mma_by_the_book(kind: Kind, lane: int, tile: int) -> list[int]:
    """d0 to d3 of one thread: sums over k as the tables for m16n8k16 and m16n8k32 place them."""
    a_step = 32 // kind.bits  # elements in a register

    def a(row: int, k: int) -> int:
        register = (row >= 8) + 2 * (k >= 4 * a_step)
        at = row % 8 * 4 + k % (4 * a_step) // a_step
        return elements(register * 32 + at, kind)[k % a_step]

    def b(k: int, column: int) -> int:
        register = int(k >= 4 * a_step)
        at = column * 4 + k % (4 * a_step) // a_step
        return elements((4 + tile * 2 + register) * 32 + at, kind)[k % a_step]

    return [
        sum(a(row, k) * b(k, column) for k in range(8 * a_step))
        for row in (lane // 4, lane // 4 + 8)
        for column in (lane % 4 * 2, lane % 4 * 2 + 1)
    ]


@pytest.mark.parametrize("name", list(KINDS))
def test_mma_answers_follow_the_tables_of_the_instruction(name: str) -> None:
    kind = KINDS[name]
    found = mma_sums(kind, 5)
    for lane in (0, 7, 18, 31):
        known = 0
        for tile in range(8):
            for total in mma_by_the_book(kind, lane, tile):
                bits = total * 5 % 2**32
                if not kind.is_integer:
                    bits = struct.unpack("<I", struct.pack("<f", total * kind.unit))[0]
                known = (known * 31 + bits) % 2**32
        assert found[lane] == known


def test_a_rate_is_that_of_the_middle_processor_and_the_slowest_is_told() -> None:
    records = array("Q", [0, 0, 1000, 0, 500, 1, 0, 1100, 0, 550, 2, 0, 2000, 0, 900])
    timed = Timed(records, FMA, 1, 1.0)
    assert timed.rate == FMA.flop / 1100
    assert timed.slowest == FMA.flop / 2000
    assert (timed.cycles, timed.ns, timed.flop) == (2000, 900, 3 * FMA.flop)


def test_two_blocks_on_one_processor_count_together() -> None:
    records = array("Q", [0, 0, 1000, 0, 500, 0, 900, 2000, 400, 900])
    assert Timed(records, FMA, 1, 1.0).rate == 2 * FMA.flop / 2000


def test_a_timer_that_ticks_coarsely_is_no_fault_and_a_clock_that_stands_is() -> None:
    assert Timed(array("Q", [0, 0, 1000, 7, 7]), FMA, 1, 2.0).ns == 2e9
    with pytest.raises(Impossible):
        Timed(array("Q", [0, 1000, 1000, 0, 500]), FMA, 1, 1.0)
