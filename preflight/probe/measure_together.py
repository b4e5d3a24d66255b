"""All cards at once: what a link gives while the others are busy too."""

from __future__ import annotations

from contextlib import ExitStack

from preflight.probe.card import Card
from preflight.probe.cuda import Cuda, CudaError
from preflight.probe.measure_copy import Buffers
from preflight.probe.numa import Place, places, stay_at
from preflight.probe.record import Entry, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from preflight.probe.tree import Tree

SAMPLE_S = 0.1  # all of them copy for about this long
SAMPLES = 5


def host_copies_together(tree: Tree, pcis: list[str], record: Record) -> None:
    record.announce("opening all cards")
    cuda = Cuda()
    ends = [End(cuda, tree, pci) for pci in pcis]
    for name in ("device-to-host", "host-to-device"):
        together(ends, record, name)


class End:
    """A card with its buffers, on its own node."""

    def __init__(self, cuda: Cuda, tree: Tree, pci: str) -> None:
        self.place: Place = places(tree, pci)[0]
        stay_at(self.place)
        self.card = Card(cuda, pci)
        self.buffers = Buffers(self.card)
        self.times = 1
        self.events = self.card.new_event(), self.card.new_event()

    def copy(self, name: str) -> None:
        self.card.use()
        buffers, stream = self.buffers, self.card.stream
        call, cuda = f"cuMemcpy{name}Async_v2", self.card.cuda
        pointers = (buffers.host, buffers.device)
        if name == "HtoD":
            pointers = (buffers.device, buffers.host)
        cuda.call("cuEventRecord", self.events[0], stream)
        for _ in range(self.times):
            cuda.call(call, *pointers, buffers.size, stream)
        cuda.call("cuEventRecord", self.events[1], stream)

    def seconds(self) -> float:
        self.card.use()
        self.card.cuda.call("cuEventSynchronize", self.events[1])
        return self.card.elapsed(*self.events)

    def wait(self, name: str) -> float:
        """One round alone."""
        self.copy(name)
        return self.seconds()


def together(ends: list[End], record: Record, name: str) -> None:
    """One entry a card; an error of any of them is in all, since they ran together."""
    cards = [end.card.pci for end in ends]
    call = "HtoD" if name.startswith("host") else "DtoH"
    with ExitStack() as stack:
        entries = [entry_of(end, record, name, cards, stack) for end in ends]
        try:
            copy_together(ends, entries, call)
        except CudaError as error:
            for entry in entries:
                entry.fail(error)


def copy_together(ends: list[End], entries: list[Entry], call: str) -> None:
    for end in ends:
        end.times = 1
        end.wait(call)
        end.times = max(1, round(SAMPLE_S / end.wait(call)))
    for _ in range(SAMPLES):
        for end in ends:
            end.copy(call)
        for end, entry in zip(ends, entries):
            entry.samples.append(end.times * end.buffers.size / end.seconds() / 1e9)


def entry_of(end: End, record: Record, name: str, cards: list[str], stack: ExitStack) -> Entry:
    method = f"copy engine, pinned, {end.place.words}, {end.buffers.size >> 20} MiB"
    entry = record(f"{name}-together", "GB/s", method, pci=end.card.pci, cards=cards)
    entry.values.update(bytes=end.buffers.size, numa_node=end.place.node)
    return stack.enter_context(entry)
