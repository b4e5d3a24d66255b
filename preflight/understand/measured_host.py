"""What was measured of several cards at once, and of the host beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import median
from typing import Any

from preflight.capture import Measurement, plain
from preflight.errors import NotThisKind
from preflight.facts import (
    NOT_COLLECTED,
    Fact,
    FileSystem,
    Gpu,
    GpuPair,
    Missing,
    NotApplicable,
    PeerPath,
)
from preflight.measured import AllReduce, CopiesTogether, Measured
from preflight.parsers import nccl_debug
from preflight.parsers.pci_address import normal
from preflight.understand.measured_pairs import faults, is_fault, is_wrong
from preflight.understand.measurements import (
    SOURCE,
    Measurements,
    figure,
    is_figure,
    line,
    listed,
    taken,
    why,
)
from preflight.understand.nvml import member
from preflight.understand.picking import Picks, count, known, words

_DIRECTIONS = {
    "host to device": ("host_to_device", "host_to_device_together"),
    "device to host": ("device_to_host", "device_to_host_together"),
}
_ALONE = NotApplicable("one card alone has no other")
_LOG = 64 << 10  # characters of a log of NCCL: what the probe keeps at most


def measured_host(
    of: Measurements,
    gpus: tuple[Gpu, ...] | Missing,
    pairs: tuple[GpuPair, ...],
    paths: tuple[PeerPath, ...],
) -> Picks:
    if isinstance(gpus, Missing):
        return {}
    direct = _all_reduce(of, "nccl-allreduce", gpus)
    without = _all_reduce(of, "nccl-allreduce-no-p2p", gpus)
    facts: dict[str, Fact[Any]] = {
        "copies_together": _together(of, gpus),
        "peer_rates_gb_s": _peer_rates(gpus, pairs, paths),
        "peer_faults": faults(paths),
        "slowest_exchange_gb_s": _slowest(gpus, pairs),
        "nccl_allreduce": direct if known(direct) else _wrong_all_the_same(of, direct),
        "nccl_allreduce_without_peers": without,
        "own_allreduce": _all_reduce(of, "own-allreduce", gpus),
        "cpu_copy": _cpu_copy(of),
        "gpu_families": _families(gpus),
    }
    return {name: taken(fact) for name, fact in facts.items()}


def _together(of: Measurements, gpus: tuple[Gpu, ...]) -> Fact[Mapping[str, CopiesTogether] | str]:
    """Each direction's sum over all cards; a card that was not measured makes it unknown.

    What went wrong is in every card's entry and names none: one line tells it of them all.
    """
    if len(gpus) < 2:
        return _ALONE
    for _, name in _DIRECTIONS.values():
        if fault := next(filter(is_fault, of.named(name.replace("_", "-"))), None):
            return line(fault)
    found = {}
    for direction, names in _DIRECTIONS.items():
        rates = {gpu.subject: tuple(getattr(gpu, name) for name in names) for gpu in gpus}
        for pair in rates.values():
            for fact in pair:
                if not isinstance(fact, Measured):
                    return fact  # type: ignore[no-any-return]
        kept = {subject: both.median / own.median for subject, (own, both) in rates.items()}
        slowest = min(kept, key=kept.__getitem__)
        alone = sum(own.median for own, _ in rates.values())
        all_at_once = sum(both.median for _, both in rates.values())
        found[direction] = CopiesTogether(alone, all_at_once, slowest, kept[slowest])
    return found


def _peer_rates(
    gpus: tuple[Gpu, ...], pairs: tuple[GpuPair, ...], paths: tuple[PeerPath, ...]
) -> Fact[Mapping[str, Mapping[str, float]]]:
    """Rates of peer copies by type of way: only equal ways may be compared."""
    if len(gpus) < 2:
        return _ALONE
    if gap := next((p.peer_copy for p in paths if isinstance(p.peer_copy, Missing)), None):
        return gap
    types = {pair.subject: pair.topology for pair in pairs}
    found: dict[str, dict[str, float]] = {}
    for path in paths:
        if isinstance(path.peer_copy, Measured):
            one, two = path.subject.split(">")
            way = types.get(f"{one}-{two}", types.get(f"{two}-{one}"))
            kind = way if isinstance(way, str) else "way unknown"
            found.setdefault(kind, {})[path.subject] = path.peer_copy.median
    return found or NotApplicable("no peer access between the cards")


def _slowest(gpus: tuple[Gpu, ...], pairs: tuple[GpuPair, ...]) -> Fact[float]:
    if len(gpus) < 2:
        return _ALONE
    rates = [pair.exchange_gb_s for pair in pairs]
    gap = next((rate for rate in rates if isinstance(rate, Missing)), None)
    return gap or min(rate for rate in rates if isinstance(rate, float))


def _all_reduce(of: Measurements, name: str, gpus: tuple[Gpu, ...]) -> Fact[AllReduce | str]:
    """Of several (two cards, then all) a wrong one, else one that went wrong, else the largest."""
    if len(gpus) < 2:
        return _ALONE
    ran, subjects = of.named(name), {gpu.pci: gpu.subject for gpu in gpus}
    if wrong := next(filter(is_wrong, ran), None):
        return _summed(wrong, subjects) or line(wrong)
    if fault := next(filter(is_fault, ran), None):
        return line(fault)
    well = [one for one in ran if one.status == "ok"]
    sums = [found for one in well if (found := _summed(one, subjects))]
    if sums:
        return max(sums, key=lambda found: len(found.cards))
    if well:
        return Missing("not-parsed", f"{name} tells no times, or not which cards took part")
    return next((gap for one in ran if (gap := why(one))), NOT_COLLECTED)


def _wrong_all_the_same(of: Measurements, untold: Fact[AllReduce | str]) -> Fact[AllReduce | str]:
    """Where nothing is known of NCCL's own way, a sum without peer access may be wrong."""
    wrong = next(filter(is_wrong, of.named("nccl-allreduce-no-p2p")), None)
    return untold if wrong is None or untold is _ALONE else line(wrong)


def _summed(one: Measurement, subjects: Mapping[str, str]) -> AllReduce | None:
    """None where it tells no times, or names a card twice or one that the host does not have."""
    found = [subjects.get(normal(pci) or "") for pci in one.cards[:64]]
    cards = tuple(card for card in found if card)
    times = _times(one)
    if len(found) != len(set(cards)) or len(cards) < 2 or not times:
        return None
    share = 2 * (len(cards) - 1) / len(cards)
    return AllReduce(
        library=_library(one),
        cards=cards,
        time_us=times,
        busbw_gb_s={size: share * size / time / 1000 for size, time in times.items()},
        transports=_transports(one),
        wrong=(count(one.values.get("wrong")) or 1) if is_wrong(one) else 0,
    )


def _times(one: Measurement) -> dict[int, float]:
    found = {}
    for row in listed(one, "rows")[:64]:
        size, samples = count(member(row, "bytes")), member(row, "us")
        kept = samples[:4096] if isinstance(samples, list) else []
        if size and kept and all(map(is_figure, kept)):
            found[size] = median(map(float, kept))
    return dict(sorted(found.items()))


def _library(one: Measurement) -> str:
    version = words(one.values.get("version"))
    return f"NCCL {version}" if version and one.name.startswith("nccl") else words(one.method) or ""


def _transports(one: Measurement) -> tuple[str, ...]:
    log = one.values.get("log")
    try:
        return (
            tuple(nccl_debug.parse(log[:_LOG])["transports"] or ()) if isinstance(log, str) else ()
        )
    except NotThisKind:  # its log is only what it says beside; the figures stand without
        return ()


def _cpu_copy(of: Measurements) -> Fact[Mapping[str, Measured]]:
    found = {}
    for one in of.named("cpu-copy")[:64]:
        place = one.values.get("numa_node")
        node = count(place)
        reached = figure(one, "GB/s")
        if isinstance(reached, Measured) and (place is None or node is not None):
            found["any node" if node is None else f"node {node}"] = reached
    gaps = [gap for one in of.named("cpu-copy") if (gap := why(one))]
    return found or next(iter(gaps), NOT_COLLECTED)


def _families(gpus: tuple[Gpu, ...]) -> Fact[tuple[str, ...]]:
    families = [gpu.family for gpu in gpus]
    gap = next((family for family in families if isinstance(family, Missing)), None)
    return gap or tuple(sorted({str(family) for family in families}))


def with_reads(of: Measurements, disks: tuple[FileSystem, ...]) -> tuple[FileSystem, ...]:
    """The same disks with what was read of each; a file lies on the longest mount above it."""
    ran = of.named("disk-read")[:64]
    absent = NotApplicable("no large file on it was read") if ran else NOT_COLLECTED
    found: dict[str, Fact[Measured]] = dict.fromkeys((disk.subject for disk in disks), absent)
    for one in ran:
        path = plain(str(one.values.get("path") or ""))[:4096]
        mounts = [disk.subject.removeprefix("disk:") for disk in disks]
        above = [mount for mount in mounts if path.startswith(mount.rstrip("/") + "/")]
        if above:
            found[f"disk:{max(above, key=len)}"] = figure(one, "GB/s")
        elif gap := why(one) or (None if path else _NO_PATH):
            found = dict.fromkeys(found, gap)
    return tuple(
        replace(disk, sequential_read=found[disk.subject], sources={**disk.sources, **_READ})
        for disk in disks
    )


_READ = {"sequential_read": SOURCE}
_NO_PATH = Missing("not-parsed", "disk-read tells no path")
