"""Bandwidth of a card's own memory: copied, read and written, by kernel and by copy engine."""

from __future__ import annotations

from ctypes import c_uint

from preflight.probe.card import Card
from preflight.probe.cuda import Cuda
from preflight.probe.measure_copy import SEED, THREADS, grid, measure, rounds, wrong_words
from preflight.probe.record import Entry, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIZE = 1 << 30  # bytes; far beyond any L2
SMALLEST = 256 << 20  # less would lie in the L2 of some cards
WIDE_THREADS, WIDE_ROUNDS = 256, 4
NAMES = ("device-write", "device-read", "device-copy", "device-copy-engine")


def device_memory(pci: str, record: Record) -> None:
    card = Card(Cuda(), pci)
    size = SIZE
    while size > SMALLEST and 2 * size > card.free_bytes():
        size //= 2
    Memory(card, record, size).all()


class Memory:
    """Two buffers of `size` bytes on the card; a bandwidth counts what is read plus written."""

    def __init__(self, card: Card, record: Record, size: int) -> None:
        self.card = card
        self.record = record
        self.size = size
        self.grid = grid(card, size)
        self.rounds = c_uint(rounds(size, self.grid))

    def all(self) -> None:
        with self.entry("device-write", "kernel") as entry:
            self.one, self.two = self.card.allocate(self.size), self.card.allocate(self.size)
            self.small = self.card.allocate(4 * self.grid * THREADS)
            write = self.card.kernel("memory", "write")
            measure(
                self.card, entry, lambda: self.run_wide(write, (self.one,), c_uint(SEED)), self.size
            )
            self.check(entry, self.one)
        if entry.status in ("failed", "skipped"):
            self.give_up(entry)
            return
        with self.entry("device-read", "kernel") as entry:
            read = self.card.kernel("memory", "read")
            measure(self.card, entry, lambda: self.run(read, self.small, self.one), self.size)
        with self.entry("device-copy", "kernel") as entry:
            copy = self.card.kernel("memory", "copy")
            copied = 2 * self.size
            measure(self.card, entry, lambda: self.run_wide(copy, (self.two, self.one)), copied)
            self.check(entry, self.two)
        with self.entry("device-copy-engine", "the driver's own copy") as entry:
            self.card.cuda.call("cuMemsetD32_v2", self.two, 0, self.size // 4)
            measure(self.card, entry, self.copy_by_driver, 2 * self.size)
            self.check(entry, self.two)

    def give_up(self, first: Entry) -> None:
        """The memory was refused, or is lost: none of the others can be made."""
        for name in NAMES[1:]:
            with self.entry(name, "kernel") as entry:
                entry.status, entry.detail = "skipped", f"after {first.name}: {first.detail}"

    def entry(self, name: str, how: str) -> Entry:
        made = self.record(name, "GB/s", f"{how}, {self.size >> 20} MiB", pci=self.card.pci)
        made.values["bytes"] = self.size
        return made

    def run(self, kernel: Any, *pointers: int) -> None:
        """A few blocks that stay: fastest where only one side is read."""
        self.card.launch(kernel, self.grid, THREADS, *pointers, self.rounds)

    def run_wide(self, kernel: Any, pointers: tuple[int, ...], *more: c_uint) -> None:
        """Many short blocks: 3 % faster than few on an H100 where memory is written."""
        blocks = self.size // (WIDE_THREADS * 64 * WIDE_ROUNDS)
        self.card.launch(kernel, blocks, WIDE_THREADS, *pointers, c_uint(WIDE_ROUNDS), *more)

    def copy_by_driver(self) -> None:
        arguments = self.two, self.one, self.size, self.card.stream
        self.card.cuda.call("cuMemcpyDtoDAsync_v2", *arguments)

    def check(self, entry: Entry, pointer: int) -> None:
        wrong = wrong_words(self.card, self.small, pointer, self.grid, self.rounds.value)
        if wrong:
            entry.wrong(wrong)
