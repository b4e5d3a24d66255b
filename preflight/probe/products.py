"""What the tensor kernels must give, worked out on the host in whole numbers.

Operands are words of a hash of which `keep` and `set` leave numbers with few digits, so that every
sum is exact in any order: the answer does not depend on the card, its clock or its schedule.
"""

from __future__ import annotations

import struct
from operator import mul

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Number = Callable[[int], int]  # of one element's bits; in units of Kind.unit

MASK = 0xFFFFFFFF


class Kind:
    """A type of operand: bits of an element, masks for a word of them, its value in units."""

    def __init__(self, bits: int, keep: int, set_: int, number: Number, unit: float) -> None:
        self.bits = bits
        self.keep = keep
        self.set = set_
        self.number = number
        self.unit = unit
        self.is_integer = unit == 0


def _bf16(bits: int) -> int:
    digits = 128 + (bits & 127)
    return -digits if bits >> 15 else digits


def _fp16(bits: int) -> int:
    digits = 128 + (bits >> 3 & 127)
    return -digits if bits >> 15 else digits


def _fp8(bits: int) -> int:
    digits = 3 if bits & 4 else 2
    return -digits if bits >> 7 else digits


def _int8(bits: int) -> int:
    return bits - 256 if bits & 128 else bits


# Between a half and one with 7 binary digits; fp8: one, or one and a half; int8: any.
KINDS = {
    "bf16": Kind(16, 0x807F807F, 0x3F003F00, _bf16, 2.0**-16),
    "fp16": Kind(16, 0x83F883F8, 0x38003800, _fp16, 2.0**-16),
    "fp8": Kind(8, 0x84848484, 0x38383838, _fp8, 2.0**-2),
    "int8": Kind(8, MASK, 0, _int8, 0),
}


def word(index: int, kind: Kind) -> int:
    """The kernels' hash."""
    x = (index * 0x9E3779B1 + 0x7F4A7C15) & MASK
    x ^= x >> 16
    x = x * 0x85EBCA6B & MASK
    x ^= x >> 13
    return x & kind.keep | kind.set


def elements(index: int, kind: Kind) -> list[int]:
    """The numbers in one word, the lowest bits first."""
    whole, mask = word(index, kind), (1 << kind.bits) - 1
    return [kind.number(whole >> at & mask) for at in range(0, 32, kind.bits)]


def bits_of(total: int, kind: Kind, times: int) -> int:
    """The accumulator's bits; whole numbers are added `times`, others taken away in turn."""
    if kind.is_integer:
        return total * times & MASK
    found: int = struct.unpack("<I", struct.pack("<f", total * kind.unit))[0]
    return found


def digest(numbers: Iterator[int]) -> int:
    """As the kernels make one word of a thread's accumulators."""
    found = 0
    for number in numbers:
        found = (found * 31 + number) & MASK
    return found


def wgmma_sums(kind: Kind, times: int) -> list[int]:
    """The words of the 128 threads of a warpgroup: 64 rows by 256 columns, 128 bytes along K.

    Core matrices of 8 rows by 16 bytes lie one after another, 8 of them along a row.
    """

    def rows(first: int, count: int) -> list[list[int]]:
        return [
            [
                number
                for core in range(8)
                for part in range(4)
                for number in elements(
                    first + (row // 8 * 8 + core) * 32 + row % 8 * 4 + part, kind
                )
            ]
            for row in range(count)
        ]

    a, b = rows(0, 64), rows(2048, 256)
    table = [[bits_of(sum(map(mul, x, y)), kind, times) for y in b] for x in a]
    return [
        digest(
            table[warp * 16 + lane // 4 + i // 2 % 2 * 8][i // 4 * 8 + lane % 4 * 2 + i % 2]
            for i in range(128)
        )
        for warp in range(4)
        for lane in range(32)
    ]


def mma_sums(kind: Kind, times: int, registers: tuple[int, int] = (4, 2)) -> list[int]:
    """The words of the 32 threads of a warp: one A of 16 rows, eight B of 8 columns.

    `registers`: how many of A and of B a thread holds; (2, 1) is Turing's half along K.
    """
    of_a, of_b = registers

    def along(first: int, group: int, parts: Sequence[int]) -> list[int]:
        """One row of A or column of B: four threads of a group hold it, part by part."""
        return [
            number
            for part in parts
            for thread in range(4)
            for number in elements(first + part * 32 + group * 4 + thread, kind)
        ]

    halves = [range(row, of_a, 2) for row in (0, 1)]
    a = [along(0, row % 8, halves[row // 8]) for row in range(16)]
    b = [
        along((of_a + tile * of_b) * 32, column, range(of_b))
        for tile in range(8)
        for column in range(8)
    ]
    table = [[bits_of(sum(map(mul, x, y)), kind, times) for y in b] for x in a]
    return [
        digest(
            table[lane // 4 + i // 2 % 2 * 8][i // 4 * 8 + lane % 4 * 2 + i % 2] for i in range(32)
        )
        for lane in range(32)
    ]
