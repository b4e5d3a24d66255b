"""How much a card computes per clock and processor, counted inside the kernel, and whether rightly.

Neither clock nor power limit moves the figure. Each kernel's accumulators end with a word that the
host works out too: an error in any of its products stays there until the end.
"""

from __future__ import annotations

import hashlib
from array import array
from ctypes import c_float, c_uint

from preflight.probe.card import Card
from preflight.probe.cuda import Cuda
from preflight.probe.link import EventReasons
from preflight.probe.products import KINDS, MASK, digest, mma_sums, wgmma_sums
from preflight.probe.record import Entry, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SAMPLE_S = 0.06  # of one launch: below some milliseconds the start still counts
SAMPLES = 5
FIRST_ROUNDS = 400  # of the launch that tells how many fill SAMPLE_S
FMA_THREADS, FMA_A_ROUND = 1024, 1024
TERM = 4097.0
PARTS = 4  # along K, of which a kernel takes one after another


class Kernel:
    """One of ptx/; `flop` of a block in one round, `last_flop` in what follows the rounds."""

    def __init__(self, file: str, says: str, threads: int, flop: int, last_flop: int) -> None:
        self.file = file
        self.says = says
        self.threads = threads
        self.flop = flop
        self.last_flop = last_flop


def _wgmma(kind: str, k: int) -> Kernel:
    """Two warpgroups; a round adds one of four parts along K and takes it away again."""
    once = 2 * 64 * 256 * k * 2
    return Kernel(f"wgmma-{kind}", f"wgmma m64n256k{k}", 256, 2 * once, 4 * once)


def _mma(file: str, k: int) -> Kernel:
    """Eight warps, eight products each."""
    once = 8 * 8 * 16 * 8 * k * 2
    return Kernel(file, f"mma.sync m16n8k{k}", 256, 2 * once, once)


FMA = Kernel("cores", "fma.rn.f32", FMA_THREADS, FMA_THREADS * FMA_A_ROUND * 2, 0)
WGMMA = {"bf16": 16, "fp16": 16, "fp8": 32, "int8": 32}
TENSOR = ("bf16", "fp16", "fp8", "int8")


def tensor_kernel(kind: str, capability: tuple[int, int]) -> Kernel | None:
    """The one that this family runs fastest; None where it has no such type, or we no kernel."""
    if capability == (9, 0):
        return _wgmma(kind, WGMMA[kind])
    if kind == "fp8":
        if capability == (12, 0):  # a text for sm_120a runs on no other
            return _mma("mma-fp8-blackwell", 32)
        return _mma("mma-fp8", 32) if capability >= (8, 9) else None
    if capability >= (8, 0):
        return _mma(f"mma-{kind}", WGMMA[kind])
    is_turing = capability == (7, 5) and kind == "fp16"
    return _mma("mma-fp16-turing", 8) if is_turing else None


def compute(pci: str, record: Record) -> None:
    card = Card(Cuda(), pci)
    Compute(card, record).all()


class Compute:
    def __init__(self, card: Card, record: Record) -> None:
        self.card = card
        self.record = record
        self.sms = card.attribute("sms")
        self.checked: dict[str, str] = {}  # kernel -> checksum
        self.launches = 0
        self.wrong = 0
        self.where = ""

    def all(self) -> None:
        capability = self.card.attribute("cc_major"), self.card.attribute("cc_minor")
        self.rate("fma-fp32", "fma", FMA, fma_sums, c_float(-1.0), c_float(TERM))
        for kind in TENSOR:
            self.tensor(kind, tensor_kernel(kind, capability))
        with self.record("compute-correct", pci=self.card.pci) as entry:
            entry.values.update(checksums=self.checked, iterations=self.launches, wrong=self.wrong)
            if self.wrong:
                entry.values["where"] = self.where
                entry.wrong(self.where)

    def tensor(self, name: str, kernel: Kernel | None) -> None:
        if kernel is None:
            with self.record(f"tensor-{name}", pci=self.card.pci) as entry:
                entry.status, entry.detail = "not-supported", "no kernel for this card"
            return
        kind = KINDS[name]

        def sums(rounds: int) -> list[int]:
            if kernel.file.startswith("wgmma"):
                return wgmma_sums(kind, rounds // PARTS * 2 + 1 if kind.is_integer else 1)
            times = 2 * rounds + 1 if kind.is_integer else 1
            registers = (2, 1) if kernel.file.endswith("turing") else (4, 2)
            return mma_sums(kind, times, registers)

        masks = c_uint(kind.keep), c_uint(kind.set)
        self.rate(f"tensor-{name}", "tensor", kernel, sums, *masks)

    def rate(
        self,
        name: str,
        function: str,
        kernel: Kernel,
        sums: Callable[[int], list[int]],
        *operands: Any,
    ) -> None:
        method = f"{kernel.says}, one block a processor, cycles and ns read inside"
        with self.record(name, "flop/clock/SM", method, pci=self.card.pci) as entry:
            run = Run(self.card, kernel, self.card.kernel(kernel.file, function), operands)
            try:
                self.repeat(entry, run, sums)
            except Impossible as error:
                entry.wrong(str(error))

    def repeat(self, entry: Entry, run: Run, sums: Callable[[int], list[int]]) -> None:
        name, kernel = entry.name, run.kernel
        first = run.launch(FIRST_ROUNDS)
        self.compare(name, array("I", sums(FIRST_ROUNDS)).tobytes(), run)
        self.checked[name] = run.checksum()
        rounds = max(FIRST_ROUNDS, int(FIRST_ROUNDS * SAMPLE_S * 1e9 / first.ns))
        rounds -= rounds % PARTS
        reasons = EventReasons(self.card.pci)
        lists: dict[str, list[Any]] = {key: [] for key in ("cycles", "ns", "clock_mhz")}
        expected = array("I", sums(rounds)).tobytes()
        lists["tflops"], lists["slowest_sm"] = [], []
        for _ in range(SAMPLES):
            timed = run.launch(rounds, reasons.sample)
            entry.samples.append(timed.rate)
            lists["cycles"].append(timed.cycles)
            lists["ns"].append(timed.ns)
            lists["clock_mhz"].append(round(timed.cycles / timed.ns * 1e3, 1))
            lists["tflops"].append(round(timed.flop / timed.ns / 1e3, 2))
            lists["slowest_sm"].append(round(timed.slowest, 3))
            self.compare(name, expected, run)
        entry.values.update(lists, kernel=kernel.says, throttle=reasons.seen, rounds=rounds)

    def compare(self, name: str, expected: bytes, run: Run) -> None:
        found = run.sums()
        self.launches += 1
        if found == expected * (len(found) // len(expected)):
            return
        self.wrong += 1
        if not self.where:
            self.where = f"{name}: {run.differing(found, expected)}"


class Impossible(Exception):
    """The card's own records contradict each other."""


class Timed:
    """One launch: flop per clock and processor, the median and the slowest; cycles and ns."""

    def __init__(self, records: Any, kernel: Kernel, rounds: int, seconds: float) -> None:
        flop = kernel.flop * rounds + kernel.last_flop
        spans: dict[int, list[tuple[int, ...]]] = {}
        for at in range(0, len(records), 5):
            spans.setdefault(records[at], []).append(tuple(records[at + 1 : at + 5]))
        blocks = [block for found in spans.values() for block in found]
        if any(block[1] <= block[0] for block in blocks):
            raise Impossible("the card's clock did not go on while a kernel ran")
        rates = sorted(
            flop * len(found) / (max(b[1] for b in found) - min(b[0] for b in found))
            for found in spans.values()
        )
        self.rate = rates[len(rates) // 2]
        self.slowest = rates[0]
        self.flop = flop * len(records) // 5
        longest = max(blocks, key=lambda block: block[1] - block[0])
        self.cycles = longest[1] - longest[0]
        # The timer ticks coarsely on some cards; what it misses the events tell.
        ns = max(block[3] for block in blocks) - min(block[2] for block in blocks)
        self.ns = ns if ns > 0 else seconds * 1e9


class Run:
    """A compute kernel with the memory that it writes its records and sums to."""

    def __init__(
        self, card: Card, kernel: Kernel, function: Any, operands: tuple[Any, ...]
    ) -> None:
        self.card = card
        self.kernel = kernel
        self.function = function
        self.operands = operands
        self.blocks = card.attribute("sms")
        self.records = card.allocate(40 * self.blocks)
        self.hashes = card.allocate(4 * self.blocks * kernel.threads)

    def launch(self, rounds: int, during: Callable[[], None] | None = None) -> Timed:
        arguments = self.records, self.hashes, c_uint(rounds), *self.operands

        def work() -> None:
            self.card.launch(self.function, self.blocks, self.kernel.threads, *arguments)

        self.card.cuda.call("cuMemsetD32_v2", self.hashes, 0, self.blocks * self.kernel.threads)
        seconds = self.card.seconds(work, during)
        words = array("Q", bytes(self.card.read_words(self.records, 10 * self.blocks)))
        return Timed(words, self.kernel, rounds, seconds)

    def sums(self) -> bytes:
        return bytes(self.card.read_words(self.hashes, self.blocks * self.kernel.threads))

    def checksum(self) -> str:
        """Of the first block's sums: the same on each card that runs this kernel as often."""
        return hashlib.sha256(self.sums()[: 4 * self.kernel.threads]).hexdigest()[:16]

    def differing(self, found: bytes, expected: bytes) -> str:
        words, known = array("I", found), array("I", expected)
        wrong = [at for at, word in enumerate(words) if word != known[at % len(known)]]
        records = array("Q", bytes(self.card.read_words(self.records, 10 * self.blocks)))
        sms = sorted({records[at // self.kernel.threads * 5] for at in wrong})
        listed = ", ".join(map(str, sms[:8])) + (", …" if len(sms) > 8 else "")
        return f"{len(wrong)} of {len(words)} threads, on SM {listed}"


def fma_sums(rounds: int) -> list[int]:
    """x = term - x an even number of times: x again, the numbers 8 * thread + chain."""
    return [
        digest(float_bits(8 * thread + chain) for chain in range(8))
        for thread in range(FMA_THREADS)
    ]


def float_bits(number: int) -> int:
    """Of a whole number in single precision."""
    bits = array("I", array("f", [float(number)]).tobytes())[0]
    return bits & MASK
