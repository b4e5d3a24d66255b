"""Every card copies to the next one at once: what a pair gives while the others are busy."""

from __future__ import annotations

from contextlib import ExitStack

from preflight.probe.card import Card
from preflight.probe.cuda import Cuda, CudaError
from preflight.probe.measure_peers import (
    HANGS_S,
    End,
    Hung,
    copy,
    failed,
    often,
    one_of,
    reaches,
    seconds,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from preflight.probe.record import Entry, Record

SAMPLES = 5


def peers_together(pcis: list[str], record: Record) -> None:
    """A ring over all cards, by PCI address; nothing where one of its pairs has no access."""
    record.announce("opening all cards")
    try:
        cuda = Cuda()
        ends = [End(Card(cuda, pci)) for pci in pcis]
    except CudaError as error:
        failed(error, record, "peer-all", cards=pcis)
        return
    ring = list(zip(ends, [*ends[1:], ends[0]]))
    if not all(reaches(source.card, target.card) for source, target in ring):
        return  # peer-access says so of the pair
    size = min(end.size for end in ends)
    method = f"copy engine, peer access, {size >> 20} MiB, every card to the next one"
    with ExitStack() as stack:
        entries = [
            stack.enter_context(
                record("peer-all", "GB/s", method, source=a.pci, target=b.pci, cards=pcis)
            )
            for a, b in ring
        ]
        for entry in entries:
            entry.values["bytes"] = size
        try:
            sample(ring, entries, size)
        except Hung:
            for entry in entries:
                entry.stop("timed-out", f"no end within {HANGS_S:g} s")


def sample(ring: list[tuple[End, End]], entries: list[Entry], size: int) -> None:
    times = 2 * max(often(source.card, copy(source, target, size)) for source, target in ring)
    for _ in range(SAMPLES):
        for entry, took_s in zip(entries, round_of(ring, size, times)):
            entry.samples.append(times * size / took_s / 1e9)


def round_of(ring: list[tuple[End, End]], size: int, times: int) -> list[float]:
    """Seconds of each pair, by the clock of its source; all begin when the first one begins."""
    cuda = ring[0][0].card.cuda
    events: list[tuple[Any, Any]] = []
    for source, target in ring:
        source.card.use()
        start, ended = source.card.new_event(), source.card.new_event()
        if events:
            cuda.call("cuStreamWaitEvent", source.card.stream, events[0][0], 0)
        cuda.call("cuEventRecord", start, source.card.stream)
        one_of(copy(source, target, size), times)()
        cuda.call("cuEventRecord", ended, source.card.stream)
        events.append((start, ended))
    took = []
    for (source, _), (start, ended) in zip(ring, events):
        seconds(source.card, lambda: None)  # Hung where it does not end
        took.append(source.card.elapsed(start, ended))
        for event in (start, ended):
            cuda.call("cuEventDestroy_v2", event)
    return took
