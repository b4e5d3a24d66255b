"""Between two cards: access, bandwidth, latency, integrity, and copies staged through the host."""

from __future__ import annotations

import time
from ctypes import c_uint

from preflight.probe.card import Card
from preflight.probe.cuda import Cuda, CudaError
from preflight.probe.measure_copy import THREADS, grid, rounds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from preflight.probe.record import Entry, Record

SIZE = 256 << 20  # bytes a copy
SMALLER = (SIZE, 64 << 20, 16 << 20)  # where a card has less to spare
PROOF = 64 << 20  # bytes whose every word is looked at
SAMPLE_S = 0.05
WITHIN_S = 0.6
CHAIN = 100  # copies that follow one another, for the latency of one
SMALL = 4  # bytes
HANGS_S = 10.0  # checks.md, peer-completes: each peer copy ends within this
CHUNK, CHUNKS = 16 << 20, 4  # of pinned memory: two H100s reach 51 GB/s so, 39 with 1 MiB
STAGED = 512 << 20
OPEN = (0, 704)  # done, or CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED
SEEDS = (0x0BAD5EED, 0x1CE5EED5)


class Hung(Exception):
    """A copy between cards did not end in time. Nothing more can be asked of these cards."""


def peers(first: str, second: str, is_staged: bool, record: Record) -> None:
    """Both directions of one pair, by PCI address; staged copies too, or only without access."""
    record.announce(f"opening {first} and {second}")
    try:
        cuda = Cuda()
        ends = (End(Card(cuda, first)), End(Card(cuda, second)))
    except CudaError as error:
        failed(error, record, "peer-access", source=first, target=second)
        return
    directions = (ends, ends[::-1])
    for source, target in directions:
        access(source, target, record)
    granted = [(source, target) for source, target in directions if source.reaches(target)]
    try:
        for source, target in directions:
            if is_staged or (source, target) not in granted:
                staged(source, target, record)
        for source, target in granted:
            data(source, target, record)
            copies(source, target, record)
            latency(source, target, record)
        if len(granted) == len(directions):
            both(ends, record)
    except Hung:  # its entry is kept; the child ends, and with it what hangs
        return


def failed(error: CudaError, record: Record, name: str, **about: Any) -> None:
    """An entry that says why nothing could begin."""
    with record(name, **about):
        raise error


class End:
    """A card with a buffer to read from and one to write to."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.pci = card.pci
        card.use()
        spare = card.free_bytes() // 4
        self.size = next((size for size in SMALLER if size <= spare), SMALLER[-1])
        self.out = card.allocate(self.size)
        self.into = card.allocate(self.size)
        self.found = card.allocate(16)
        self.grid = grid(card, SMALLER[-1])
        self.granted: dict[str, bool] = {}

    def reaches(self, other: End) -> bool:
        return self.granted.get(other.pci, False)

    def write(self, pointer: int, size: int, seed: int) -> None:
        """The pattern of memory.ptx, by this card's processors, wherever the memory lies."""
        self.card.use()
        kernel = self.card.kernel("memory", "write")
        count = c_uint(rounds(size, self.grid))
        seconds(
            self.card,
            lambda: self.card.launch(kernel, self.grid, THREADS, pointer, count, c_uint(seed)),
        )

    def wrong(self, pointer: int, size: int, seed: int) -> tuple[int, int]:
        """How many words are not the pattern's, and the offset in bytes of the first."""
        card = self.card
        card.use()
        card.cuda.call("cuMemsetD32_v2", self.found, 0, 4)
        kernel, count = card.kernel("memory", "check"), c_uint(rounds(size, self.grid))
        seconds(
            card,
            lambda: card.launch(
                kernel, self.grid, THREADS, self.found, pointer, count, c_uint(seed)
            ),
        )
        count_wrong, first, *_ = card.read_words(self.found, 4)
        return int(count_wrong), -int(first) % 2**32 * 4


def seconds(card: Card, work: Callable[[], None]) -> float:
    """As Card.seconds; Hung where the card does not end it."""
    card.use()
    end = time.monotonic() + HANGS_S

    def watch() -> None:
        if time.monotonic() > end:
            raise Hung

    return card.seconds(work, watch)


def guarded(entry: Entry, work: Callable[[], None]) -> bool:
    """Did it hang? The entry has been told."""
    try:
        work()
        return False
    except Hung:
        entry.stop("timed-out", f"no end within {HANGS_S:g} s")
        return True


def measured(
    record: Record, work: Callable[[Entry], None], name: str, unit: str, method: str, **about: Any
) -> None:
    """One entry. Hung after it was kept with what stopped it."""
    has_hung = False
    with record(name, unit, method, **about) as entry:
        has_hung = guarded(entry, lambda: work(entry))
    if has_hung:
        raise Hung


def access(source: End, target: End, record: Record) -> None:
    """May `source` reach `target`'s memory? If so, it is enabled in this process's contexts."""
    card, other = source.card, target.card
    method = "cuDeviceCanAccessPeer"
    with record("peer-access", "", method, source=source.pci, target=target.pci) as entry:
        is_granted = is_offered(card, other)
        entry.values["granted"] = is_granted
        if is_granted:
            code = enable(card, other)
            if code not in OPEN:
                name = card.cuda.name_of(code)
                raise CudaError("cuCtxEnablePeerAccess", code, name)
            source.granted[target.pci] = True


def is_offered(card: Card, other: Card) -> bool:
    """Says the driver that `card` can reach `other`'s memory?"""
    return card.cuda.integer("cuDeviceCanAccessPeer", card.device, other.device) == 1


def enable(card: Card, other: Card) -> int:
    """The CUresult; one of OPEN where `card` now reaches `other`'s memory."""
    card.use()
    return card.cuda.code("cuCtxEnablePeerAccess", other.context, 0)


def reaches(card: Card, other: Card) -> bool:
    """Enabled where the driver offers it."""
    return is_offered(card, other) and enable(card, other) in OPEN


def copies(source: End, target: End, record: Record) -> None:
    size = min(source.size, target.size)

    def work(entry: Entry) -> None:
        one = copy(source, target, size)
        times = often(source.card, one)
        entry.values["bytes"] = size
        entry.repeat(
            lambda: times * size / seconds(source.card, one_of(one, times)) / 1e9, WITHIN_S
        )

    method = f"copy engine, peer access, {size >> 20} MiB"
    about = {"source": source.pci, "target": target.pci}
    measured(record, work, "peer-copy", "GB/s", method, **about)


def copy(source: End, target: End, size: int) -> Callable[[], None]:
    """A copy on the stream of `source`, from its memory into that of `target`."""
    card = source.card

    def one() -> None:
        card.cuda.call(
            "cuMemcpyPeerAsync", target.into, target.card.context, source.out, card.context,
            size, card.stream,
        )  # fmt: skip

    return one


def one_of(one: Callable[[], None], times: int) -> Callable[[], None]:
    def several() -> None:
        for _ in range(times):
            one()

    return several


def often(card: Card, one: Callable[[], None]) -> int:
    """How many of them make one sample."""
    seconds(card, one)
    return max(1, min(256, round(SAMPLE_S / seconds(card, one))))


def latency(source: End, target: End, record: Record) -> None:
    def work(entry: Entry) -> None:
        chain = one_of(copy(source, target, SMALL), CHAIN)
        seconds(source.card, chain)
        entry.values["bytes"] = SMALL
        entry.repeat(lambda: seconds(source.card, chain) / CHAIN * 1e6, 0.1)

    method = f"copy engine, peer access, {CHAIN} copies of {SMALL} bytes one after another"
    about = {"source": source.pci, "target": target.pci}
    measured(record, work, "peer-latency", "us", method, **about)


def both(ends: tuple[End, End], record: Record) -> None:
    """Both directions at once, each on the stream of its source; the sum of both."""
    first, second = ends
    size = min(first.size, second.size)

    def work(entry: Entry) -> None:
        times = often(first.card, copy(first, second, size))
        entry.values["bytes"] = size
        entry.repeat(lambda: 2 * times * size / together(times) / 1e9, WITHIN_S)

    def together(times: int) -> float:
        """From the first one's start until both have ended, by the clock of the first card."""
        cuda = first.card.cuda
        first.card.use()
        start = first.card.new_event()
        second.card.use()
        ended = second.card.new_event()

        def work() -> None:
            cuda.call("cuEventRecord", start, first.card.stream)
            cuda.call("cuStreamWaitEvent", second.card.stream, start, 0)
            one_of(copy(first, second, size), times)()
            second.card.use()
            one_of(copy(second, first, size), times)()
            cuda.call("cuEventRecord", ended, second.card.stream)
            first.card.use()
            cuda.call("cuStreamWaitEvent", first.card.stream, ended, 0)

        took = seconds(first.card, work)
        for event in (start, ended):
            cuda.call("cuEventDestroy_v2", event)
        return took

    method = f"copy engine, peer access, both directions at once, {size >> 20} MiB"
    about = {"source": first.pci, "target": second.pci}
    measured(record, work, "peer-copy-both", "GB/s", method, **about)


def data(source: End, target: End, record: Record) -> None:
    """Does what `source` sends arrive as it was? Every word, over every way that there is."""
    size = min(PROOF, source.size, target.size)

    def work(entry: Entry) -> None:
        host = target.card.pinned(size)
        wrong = 0
        for way in (written, copied):
            way(source, target, size)
            wrong += look(entry, target, target.into, size, f"{way.__name__}, read by kernel")
            fetch(target, host, size)
            wrong += look(entry, target, host, size, f"{way.__name__}, read by copy engine")
        looks = 4
        if target.reaches(source):
            wrong += look(entry, target, source.out, size, "read over the peer's link by kernel")
            looks += 1
        entry.values.update(words=looks * size // 4, wrong=wrong)

    method = "pattern by kernel and by copy engine, read by kernel and by copy engine"
    about = {"source": source.pci, "target": target.pci}
    measured(record, work, "peer-data", "", method, **about)


def written(source: End, target: End, size: int) -> None:
    """Stores of `source`'s processors into `target`'s memory; `source` keeps the same."""
    clear(target, size)
    source.write(target.into, size, SEEDS[0])
    source.write(source.out, size, SEEDS[0])


def copied(source: End, target: End, size: int) -> None:
    clear(target, size)
    source.write(source.out, size, SEEDS[0])
    seconds(source.card, copy(source, target, size))


def clear(target: End, size: int) -> None:
    target.card.use()
    target.card.cuda.call("cuMemsetD32_v2", target.into, 0, size // 4)
    target.card.cuda.call("cuCtxSynchronize")


def fetch(target: End, host: int, size: int) -> None:
    card = target.card
    card.use()
    seconds(
        card, lambda: card.cuda.call("cuMemcpyDtoHAsync_v2", host, target.into, size, card.stream)
    )


def look(entry: Entry, reader: End, pointer: int, size: int, words: str) -> int:
    wrong, first = reader.wrong(pointer, size, SEEDS[0])
    if wrong:
        entry.wrong(f"{wrong} words of 4 bytes differ, the first at byte {first} ({words})")
        entry.values.setdefault("where", first)
        entry.values.setdefault("read_by", "kernel" if "kernel" in words else "copy engine")
    return wrong


def staged(source: End, target: End, record: Record) -> None:
    """From card to card through the host's memory: the way that cards without peer access have."""

    def work(entry: Entry) -> None:
        stage = Stage(source, target)
        size = min(STAGED, 2 * source.size, 2 * target.size)
        entry.values["bytes"] = size
        source.write(source.out, source.size, SEEDS[1])
        stage.run(size)
        entry.repeat(lambda: size / stage.run(size) / 1e9, WITHIN_S)
        wrong, first = target.wrong(target.into, stage.span, SEEDS[1])
        if wrong:
            entry.wrong(f"{wrong} words of 4 bytes differ, the first at byte {first}")

    method = f"copy engines, {CHUNKS} pinned buffers of {CHUNK >> 20} MiB in turn"
    about = {"source": source.pci, "target": target.pci}
    measured(record, work, "staged-copy", "GB/s", method, **about)


class Stage:
    """Pinned buffers, each emptied by one card while the other fills the next."""

    def __init__(self, source: End, target: End) -> None:
        self.source, self.target = source, target
        self.span = min(source.size, target.size)  # copies go round in it
        self.buffers = [source.card.pinned(CHUNK) for _ in range(CHUNKS)]
        self.filled = [self.event(source) for _ in range(CHUNKS)]
        self.emptied = [self.event(target) for _ in range(CHUNKS)]

    def event(self, end: End) -> Any:
        end.card.use()
        return end.card.new_event()

    def run(self, size: int) -> float:
        """Seconds by this host's clock: no event can be timed against another card's."""
        start = time.perf_counter()
        for number in range(size // CHUNK):
            self.chunk(number)
        seconds(self.target.card, lambda: None)
        return time.perf_counter() - start

    def chunk(self, number: int) -> None:
        call = self.source.card.cuda.call
        at, offset = number % CHUNKS, number * CHUNK % self.span
        self.source.card.use()
        up, down = self.source.card.stream, self.target.card.stream
        call("cuStreamWaitEvent", up, self.emptied[at], 0)
        call("cuMemcpyDtoHAsync_v2", self.buffers[at], self.source.out + offset, CHUNK, up)
        call("cuEventRecord", self.filled[at], up)
        self.target.card.use()
        call("cuStreamWaitEvent", down, self.filled[at], 0)
        call("cuMemcpyHtoDAsync_v2", self.target.into + offset, self.buffers[at], CHUNK, down)
        call("cuEventRecord", self.emptied[at], down)
