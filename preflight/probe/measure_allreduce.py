"""A sum over all cards that needs no NCCL: kernels that read and write the peers' memory.

Each card sums its share of the words and writes it to all. Without peer access the words go through
pinned memory of the host. It shows what the links carry, and is no measure of NCCL's own speed.
"""

from __future__ import annotations

from ctypes import c_uint, c_uint64

from preflight.probe.card import Card
from preflight.probe.cuda import OUT_OF_MEMORY, Cuda, CudaError
from preflight.probe.measure_peers import failed, guarded, reaches, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from preflight.probe.record import Entry, Record

SIZES = (8 << 10, 128 << 10, 1 << 20, 16 << 20, 256 << 20, 1 << 30)  # bytes a card
STAGED_MOST = 256 << 20  # through the host
THREADS, BLOCKS_PER_SM = 512, 4
SAMPLES, SAMPLE_S, MOST_TIMES = 5, 0.02, 50
PLACES = 8  # of a table in allreduce.ptx
NONE_WRONG = 0xFFFFFFFF


def own_allreduce(pcis: list[str], record: Record) -> None:
    """At most eight cards, by PCI address."""
    record.announce("opening all cards")
    try:
        cuda = Cuda()
        cards = [Card(cuda, pci) for pci in pcis[:PLACES]]
    except CudaError as error:
        failed(error, record, "own-allreduce", cards=pcis)
        return
    is_direct = all(reaches(card, other) for card in cards for other in cards if other is not card)
    way = "peers' memory" if is_direct else "pinned memory of the host"
    method = f"own kernels over {way}, started by events; not NCCL"
    with record("own-allreduce", "us", method, cards=[card.pci for card in cards]) as entry:
        guarded(entry, lambda: sums(entry, Direct if is_direct else Staged, cards))


def sums(entry: Entry, kind: type[Group], cards: list[Card]) -> None:
    room = min(free(card) for card in cards) // 4
    sizes = [size for size in SIZES if size <= min(room, kind.most)]
    if not sizes:
        raise CudaError("cuMemAlloc_v2", OUT_OF_MEMORY, "less is free than is needed")
    rows: list[dict[str, Any]] = []
    entry.values.update(rows=rows, wrong=0)
    group = kind(cards, sizes[-1])
    for size in sizes:
        rows.append({"bytes": size, "us": [round(one, 2) for one in group.timed(size)]})
        wrong = group.wrong(size)
        entry.values["wrong"] += wrong
        if wrong:
            entry.wrong(f"{wrong} words of 4 bytes are not the sum, at {size} bytes")


def free(card: Card) -> int:
    card.use()
    return card.free_bytes()


class Group:
    """All cards with their words, and one sum over them at a time."""

    most = SIZES[-1]

    def __init__(self, cards: list[Card], size: int) -> None:
        self.cards = cards
        self.size = size
        self.words = self.everywhere(lambda card: card.allocate(size))
        self.result = self.everywhere(lambda card: card.allocate(size))
        self.found = self.everywhere(lambda card: card.allocate(8))
        self.kernels = {
            name: self.everywhere(lambda card, name=name: card.kernel("allreduce", name))
            for name in ("fill", "verify", "reduce")
        }
        self.events = self.everywhere(lambda card: card.new_event())
        for rank in range(len(cards)):
            self.launch("fill", rank, self.words[rank], c_uint(rank), c_uint(size // 4))

    def everywhere(self, work: Callable[..., Any]) -> list[Any]:
        results = []
        for card in self.cards:
            card.use()
            results.append(work(card))
        return results

    def launch(self, kernel: str, rank: int, *arguments: Any) -> None:
        card = self.cards[rank]
        card.use()
        blocks = card.attribute("sms") * BLOCKS_PER_SM
        card.launch(self.kernels[kernel][rank], blocks, THREADS, *arguments)

    def table(self, card: Card, sources: list[int], targets: list[int]) -> int:
        """What `reduce` reads and writes, on the card."""
        words = [len(sources), *sources, *[0] * (PLACES - len(sources)), len(targets), *targets]
        data = (c_uint64 * len(words))(*words)
        card.use()
        pointer = card.allocate(8 * 2 * (PLACES + 1))
        card.cuda.call("cuMemcpyHtoD_v2", pointer, data, 8 * len(words))
        return pointer

    def meet(self) -> None:
        """No card goes on before all have come here."""
        for card, event in zip(self.cards, self.events):
            card.use()
            card.cuda.call("cuEventRecord", event, card.stream)
        for card in self.cards:
            card.use()
            for other, event in zip(self.cards, self.events):
                if other is not card:
                    card.cuda.call("cuStreamWaitEvent", card.stream, event, 0)

    def share(self, rank: int, size: int) -> tuple[c_uint, c_uint]:
        """First vector of 16 bytes and how many: what this card sums."""
        vectors, count = size // 16, len(self.cards)
        first = vectors * rank // count
        return c_uint(first), c_uint(vectors * (rank + 1) // count - first)

    def sum(self, size: int) -> None:
        raise NotImplementedError

    def timed(self, size: int) -> list[float]:
        """Microseconds of one sum, each the mean of several in a row."""
        self.took(size, 1)
        times = max(1, min(MOST_TIMES, round(SAMPLE_S / self.took(size, 1))))
        return [self.took(size, times) / times * 1e6 for _ in range(SAMPLES)]

    def took(self, size: int, times: int) -> float:
        def work() -> None:
            self.meet()
            for _ in range(times):
                self.sum(size)

        self.everywhere(lambda card: seconds(card, lambda: None))
        return seconds(self.cards[0], work)

    def wrong(self, size: int) -> int:
        """Words that are not the sum, on all cards, after one more of it into cleared memory."""
        for card, result in zip(self.cards, self.result):
            card.use()
            card.cuda.call("cuMemsetD32_v2", result, 0, size // 4)
            card.cuda.call("cuCtxSynchronize")
        self.sum(size)
        count = 0
        for rank, card in enumerate(self.cards):
            card.use()
            card.cuda.call("cuMemsetD32_v2", self.found[rank], 0, 1)
            card.cuda.call("cuMemsetD32_v2", self.found[rank] + 4, NONE_WRONG, 1)
            self.launch(
                "verify", rank, self.found[rank], self.result[rank],
                c_uint(len(self.cards)), c_uint(size // 4),
            )  # fmt: skip
            seconds(card, lambda: None)
            count += int(card.read_words(self.found[rank], 1)[0])
        return count


class Direct(Group):
    """Each card reads its share from all and writes the sum to all."""

    def __init__(self, cards: list[Card], size: int) -> None:
        super().__init__(cards, size)
        self.tables = [self.table(card, self.words, self.result) for card in cards]

    def sum(self, size: int) -> None:
        for rank in range(len(self.cards)):
            self.launch("reduce", rank, self.tables[rank], *self.share(rank, size))
        self.meet()


class Staged(Group):
    """Each card puts its words into the host's memory, sums its share there, and takes the sum."""

    most = STAGED_MOST

    def __init__(self, cards: list[Card], size: int) -> None:
        super().__init__(cards, size)
        self.host = self.everywhere(lambda card: card.pinned(size))
        self.total = cards[0].pinned(size)
        self.tables = [
            self.table(
                card,
                [self.words[n] if n == rank else self.host[n] for n in range(len(cards))],
                [self.total],
            )
            for rank, card in enumerate(cards)
        ]

    def sum(self, size: int) -> None:
        for rank, card in enumerate(self.cards):
            card.use()
            card.cuda.call(
                "cuMemcpyDtoHAsync_v2", self.host[rank], self.words[rank], size, card.stream
            )
        self.meet()
        for rank in range(len(self.cards)):
            self.launch("reduce", rank, self.tables[rank], *self.share(rank, size))
        self.meet()
        for rank, card in enumerate(self.cards):
            card.use()
            card.cuda.call("cuMemcpyHtoDAsync_v2", self.result[rank], self.total, size, card.stream)
        self.meet()
