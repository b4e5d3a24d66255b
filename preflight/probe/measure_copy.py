"""Between host and card: bandwidth of the link, by copy engine and by kernel, and latency."""

from __future__ import annotations

import ctypes
import time
from ctypes import c_uint

from preflight.probe.card import Card
from preflight.probe.cuda import Cuda
from preflight.probe.link import LinkWatch
from preflight.probe.numa import Place, places, stay_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from preflight.probe.record import Entry, Record
    from preflight.probe.tree import Tree

SIZE = 256 << 20  # bytes a copy: beyond 64 MiB a gen 5 link gains less than 0.3 %
SMALLER = (SIZE, 64 << 20, 16 << 20)  # where the host has less
SAMPLE_S = 0.06  # of copying, for one sample
WITHIN_S = 0.8
SEED = 0x5EED
BLOCKS_PER_SM, THREADS = 4, 512
GROUP = "/sys/fs/cgroup/"  # as a container sees its own


def host_copies(tree: Tree, pci: str, record: Record) -> None:
    card = Card(Cuda(), pci)
    near, far = places(tree, pci)
    stay_at(near)
    buffers = Buffers(card)
    for name in ("device-to-host", "host-to-device"):
        copy_engine(card, record, name, buffers, near)
    for name in ("device-to-host", "host-to-device"):
        by_kernel(card, record, name + "-kernel", buffers, near)
    latencies(card, record, buffers)
    if far:
        stay_at(far)
        buffers = Buffers(card)
        for name in ("device-to-host", "host-to-device"):
            copy_engine(card, record, name + "-far", buffers, far)


class Buffers:
    """Memory of the same size on both sides. CudaError where a card has less than it takes."""

    def __init__(self, card: Card) -> None:
        room = min(available_bytes() // 16, card.free_bytes() // 2)
        self.size = next((size for size in SMALLER if size <= room), SMALLER[-1])
        self.host = card.pinned(self.size)
        self.device = card.allocate(self.size)
        self.found = card.allocate(16)
        self.grid = grid(card, self.size)
        self.rounds = rounds(self.size, self.grid)
        self.card = card

    def fill(self, pointer: int) -> None:
        write = self.card.kernel("memory", "write")
        self.card.launch(write, self.grid, THREADS, pointer, c_uint(self.rounds), c_uint(SEED))
        self.card.synchronize()

    def verify(self, entry: Entry, pointer: int) -> None:
        """Does this hold the pattern? Read by the card's kernel, wherever the memory lies."""
        wrong = wrong_words(self.card, self.found, pointer, self.grid, self.rounds)
        if wrong:
            entry.wrong(wrong)


def wrong_words(card: Card, found: int, pointer: int, blocks: int, count: int) -> str:
    """Empty where `write` left what `check` finds."""
    card.cuda.call("cuMemsetD32_v2", found, 0, 4)
    check = card.kernel("memory", "check")
    card.launch(check, blocks, THREADS, found, pointer, c_uint(count), c_uint(SEED))
    card.synchronize()
    wrong, first, bits, _ = card.read_words(found, 4)
    if not wrong:
        return ""
    return f"{wrong} words of 4 bytes differ, the first at byte {-first % 2**32 * 4}: {bits:#010x}"


def grid(card: Card, size: int) -> int:
    """Blocks for a kernel of memory.ptx: a power of two, so that rounds go into `size` evenly."""
    blocks = 1
    while blocks * 2 <= card.attribute("sms") * BLOCKS_PER_SM:
        blocks *= 2
    while blocks > 1 and size % (blocks * THREADS * 64):
        blocks //= 2
    return blocks


def rounds(size: int, blocks: int) -> int:
    return size // (blocks * THREADS * 64)


def copy_engine(card: Card, record: Record, name: str, buffers: Buffers, place: Place) -> None:
    host, device, size = buffers.host, buffers.device, buffers.size
    is_upload = name.startswith("host")
    method = f"copy engine, pinned, {place.words}, {size >> 20} MiB"
    with record(name, "GB/s", method, pci=card.pci) as entry:
        buffers.fill(host if is_upload else device)
        card.cuda.call("cuMemsetD32_v2", device if is_upload else host, 0, size // 4)

        def one() -> None:
            if is_upload:
                card.cuda.call("cuMemcpyHtoDAsync_v2", device, host, size, card.stream)
            else:
                card.cuda.call("cuMemcpyDtoHAsync_v2", host, device, size, card.stream)

        measure(card, entry, one, size)
        buffers.verify(entry, device if is_upload else host)
        entry.values.update(bytes=size, numa_node=place.node)
        entry.values["links"] = LinkWatch(card).during(one)


def by_kernel(card: Card, record: Record, name: str, buffers: Buffers, place: Place) -> None:
    to, source = buffers.device, buffers.host
    if name.startswith("device"):
        to, source = source, to
    method = f"kernel, mapped pinned memory, {place.words}, {buffers.size >> 20} MiB"
    with record(name, "GB/s", method, pci=card.pci) as entry:
        copy = card.kernel("memory", "copy")
        buffers.fill(source)

        def one() -> None:
            card.launch(copy, buffers.grid, THREADS, to, source, c_uint(buffers.rounds))

        measure(card, entry, one, buffers.size)
        buffers.verify(entry, to)
        entry.values.update(bytes=buffers.size, numa_node=place.node)


def measure(card: Card, entry: Entry, one: Callable[[], None], size: int) -> None:
    """Samples in GB/s, each of as many copies as fill SAMPLE_S."""
    card.seconds(one)
    times = max(1, min(64, round(SAMPLE_S / card.seconds(one))))

    def several() -> None:
        for _ in range(times):
            one()

    entry.repeat(lambda: times * size / card.seconds(several) / 1e9, WITHIN_S)


def latencies(card: Card, record: Record, buffers: Buffers) -> None:
    host, device = buffers.host, buffers.device
    copy, nothing = card.cuda.function("cuMemcpyHtoD_v2"), card.kernel("cores", "nothing")
    method = "4 bytes from pinned memory, waited for, called from Python"
    with record("copy-latency", "us", method, pci=card.pci) as entry:
        entry.values["bytes"] = 4
        entry.repeat(lambda: each_us(lambda: copy(device, host, 4), 200), WITHIN_S)
        card.synchronize()
    method = "empty kernel, 1 block, one after another on a stream, called from Python"
    with record("launch-latency", "us", method, pci=card.pci) as entry:
        entry.repeat(lambda: launch_us(card, nothing), WITHIN_S)


def each_us(work: Callable[[], object], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start) / times * 1e6


def launch_us(card: Card, function: ctypes.c_void_p, times: int = 1000) -> float:
    launch, none = card.cuda.function("cuLaunchKernel"), (ctypes.c_void_p * 1)()
    start = time.perf_counter()
    for _ in range(times):
        launch(function, 1, 1, 1, 32, 1, 1, 0, card.stream, none, None)
    card.synchronize()
    return (time.perf_counter() - start) / times * 1e6


def available_bytes() -> int:
    """What may be taken of the host's memory, 0 where it does not say."""
    with open("/proc/meminfo") as file:
        free = [int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable:")]
    return min([*free, *container_bytes()], default=0)


def container_bytes() -> list[int]:
    """What the own control group leaves, where it has a limit."""
    try:
        with open(GROUP + "memory.max") as most, open(GROUP + "memory.current") as now:
            limit, taken = most.read().strip(), int(now.read())
    except OSError:  # no second version of control groups, or the host's own root
        return []
    return [max(0, int(limit) - taken)] if limit.isdigit() else []
