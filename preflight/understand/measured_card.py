"""What was measured on one card: its link, its memory, its arithmetic, and what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import fmean, median
from typing import Any

from preflight.capture import Measurement, plain
from preflight.facts import NOT_COLLECTED, Card, Fact, Missing
from preflight.link_rates import raw_gb_s
from preflight.measured import ComputeRate, CudaDevice, Measured, Rest
from preflight.understand.cards import CardEvidence
from preflight.understand.measurements import (
    SOURCE,
    Measurements,
    figure,
    is_fault,
    is_figure,
    line,
    listed,
    positive,
    summed_up,
    taken,
    told,
    why,
)
from preflight.understand.nvml import member
from preflight.understand.picking import Picked, Picks, count, number, whole, words
from preflight.understand.possible import possible
from preflight.understand.power import throttle_names

_FIGURES = {
    "host_to_device": ("host-to-device", "GB/s"),
    "device_to_host": ("device-to-host", "GB/s"),
    "host_to_device_far": ("host-to-device-far", "GB/s"),
    "device_to_host_far": ("device-to-host-far", "GB/s"),
    "host_to_device_by_kernel": ("host-to-device-kernel", "GB/s"),
    "device_to_host_by_kernel": ("device-to-host-kernel", "GB/s"),
    "host_to_device_together": ("host-to-device-together", "GB/s"),
    "device_to_host_together": ("device-to-host-together", "GB/s"),
    "copy_latency": ("copy-latency", "us"),
    "launch_latency": ("launch-latency", "us"),
    "device_copy": ("device-copy", "GB/s"),
    "device_read": ("device-read", "GB/s"),
    "device_write": ("device-write", "GB/s"),
    "device_copy_by_engine": ("device-copy-engine", "GB/s"),
}
_RATES = {
    "fma_fp32": "fma-fp32",
    "tensor_bf16": "tensor-bf16",
    "tensor_fp16": "tensor-fp16",
    "tensor_fp8": "tensor-fp8",
    "tensor_int8": "tensor-int8",
}
_MOST = 1000  # faults of one card that are told: a guess
_COPIES = ("host-to-device", "device-to-host")
# By compute capability, for a card that the catalogue does not know.
_FAMILIES = {
    "7.0": "volta",
    "7.5": "turing",
    "8.0": "ampere",
    "8.6": "ampere",
    "8.9": "ada",
    "9.0": "hopper",
    "10.0": "blackwell",
    "12.0": "blackwell",
}


def measured_card(card: CardEvidence, picks: Picks) -> Picks:
    """`picks` are the facts that were read of the card: its product and its link."""
    of = card.host.measurements
    rates = {fact: _rate(of, name, card.pci) for fact, name in _RATES.items()}
    facts: dict[str, Fact[Any]] = {
        **{fact: figure(of.of_card(name, card.pci), u) for fact, (name, u) in _FIGURES.items()},
        **rates,
        "tensor_rate": _tensor_rate(rates["tensor_bf16"], rates["tensor_fp16"]),
        "cuda_device": cuda_device(of, card.pci),
        "cuda_errors": _errors(of, card.pci),
        "memory_bandwidth": _better(of, card.pci, "device-copy", "device-copy-engine"),
        "rest": _rest(of, card.pci),
        "copying_s": _copying_s(of, card.pci),
        "sm_ids": told(of.of_card("sm-ids", card.pci), "sms", positive),
    }
    link = _link_under_load(of, card.pci)
    facts["pcie_link_gen_under_load"] = link if isinstance(link, Missing) else link[0]
    facts["pcie_link_width_under_load"] = link if isinstance(link, Missing) else link[1]
    raw = _raw(link, picks)
    facts = possible(facts, picks["catalog"].value, raw.value)
    return {
        **{name: taken(fact) for name, fact in facts.items()},
        "pcie_raw_gb_s": raw,
        "is_in_guest": card.host.surroundings.is_guest,
        "family": _family(picks["catalog"], facts["cuda_device"]),
    }


def cuda_device(of: Measurements, pci: str) -> Fact[CudaDevice]:
    one = _cuda(of, pci)
    capability = told(one, "compute_capability", _capability)
    name, sms = told(one, "name", words), told(one, "sms", positive)
    for fact in (name, sms, capability):
        if isinstance(fact, Missing):
            return fact
    assert not isinstance(one, Missing)
    l2, total = (positive(one.values.get(key)) for key in ("l2_bytes", "total_bytes"))
    free = count(one.values.get("free_bytes"))
    if total is None or (free is not None and free > total):
        free = None  # more than there is was not read
    return CudaDevice(
        name=str(name),
        sm_count=sms,  # type: ignore[arg-type]
        compute_capability=str(capability),
        uuid=words(one.values.get("uuid")) or "",
        l2_mib=None if l2 is None else l2 / (1 << 20),
        bus_width_bits=count(one.values.get("bus_width_bits")),
        total_mib=None if total is None else total >> 20,
        free_mib=None if free is None else free >> 20,
    )


def _cuda(of: Measurements, pci: str) -> Measurement | Missing:
    """The card's own entry, else why the library as a whole did not even start."""
    own, of_all = of.of_card("cuda", pci), of.of_card("cuda", "")
    return of_all if isinstance(own, Missing) and why(of_all) else own


def _capability(value: object) -> str | None:
    major, minor = (whole(member(value, place)) for place in (0, 1))
    if major is None or minor is None or major < 1 or minor < 0:
        return None
    return f"{major}.{minor}"


def _errors(of: Measurements, pci: str) -> Fact[tuple[str, ...]]:
    """What failed or never ended on the card; nothing is known before its context told of it."""
    one = _cuda(of, pci)
    # What many did at once failed in every card's entry: the host's finding, it names no card.
    alone = [other for other in of.on_card(pci) if len(other.cards) < 2]
    bad = [other for other in alone if is_fault(other)]
    if not isinstance(one, Missing) and is_fault(one) and one not in bad:
        bad.insert(0, one)
    if bad:
        return tuple(map(line, bad[:_MOST]))
    device = cuda_device(of, pci)
    return device if isinstance(device, Missing) else ()


def _rest(of: Measurements, pci: str) -> Fact[Rest]:
    one = of.of_card("rest", pci)
    if gap := why(one):
        return gap
    warm = _numbers(one, "temperature_c")
    drawn = [watts for watts in _numbers(one, "power_w") if watts > 0]
    load = [part for part in _numbers(one, "utilization_percent") if 0 <= part <= 100]
    state = (listed(one, "pstate") or [None])[-1]
    if not warm:
        return Missing("not-present", "rest tells no temperature_c")
    place = whole(state)
    return Rest(
        window_s=number(one.values.get("window_s")) or 0.0,  # type: ignore[union-attr]
        temperature_c=warm[-1],
        power_w=min(drawn, default=None),
        utilization_percent=fmean(load) if load else None,
        performance_state=f"P{place}" if place is not None else words(state) or "",
    )


def _better(of: Measurements, pci: str, *names: str) -> Fact[Measured]:
    """The fastest of several ways to do the same."""
    facts = [figure(of.of_card(name, pci), "GB/s") for name in names]
    return max((f for f in facts if isinstance(f, Measured)), key=_median, default=None) or facts[0]


def _median(figure: Measured) -> float:
    return figure.median


def _numbers(one: Measurement | Missing, key: str) -> list[float]:
    return [value for value in map(number, listed(one, key)) if value is not None]


def _copying_s(of: Measurements, pci: str) -> Fact[float]:
    ran = [one for one in of.on_card(pci) if one.name.startswith(_COPIES) and one.status == "ok"]
    if not ran:
        return why(of.of_card(_COPIES[0], pci)) or NOT_COLLECTED
    return sum(min(max(one.duration_s, 0.0), 3600.0) for one in ran)


def _link_under_load(of: Measurements, pci: str) -> tuple[int, int] | Missing:
    """The generation and lanes that most samples of both directions' copies show."""
    seen: Counter[tuple[int, int]] = Counter()
    for name in _COPIES:
        for sample in listed(of.of_card(name, pci), "links"):
            gen, lanes = whole(member(sample, "gen")), whole(member(sample, "width"))
            if gen and lanes and 0 < gen <= 6 and 0 < lanes <= 32:
                seen[gen, lanes] += 1
    if seen:
        return seen.most_common(1)[0][0]
    return why(of.of_card(_COPIES[0], pci)) or Missing("not-present", "no link was sampled")


def _raw(link: tuple[int, int] | Missing, picks: Picks) -> Picked:
    """What the link carries that was seen in the copy; else the one that is reported."""
    source = SOURCE
    if isinstance(link, Missing):
        gen, lanes = picks["pcie_link_gen_max"], picks["pcie_link_width"]
        if not isinstance(gen.value, int) or not isinstance(lanes.value, int):
            return gen if isinstance(gen.value, Missing) else lanes
        link, source = (gen.value, lanes.value), gen.source
    raw = raw_gb_s(*link)
    return Picked(Missing("not-parsed", f"gen {link[0]}") if raw is None else raw, source)


def _rate(of: Measurements, name: str, pci: str) -> Fact[ComputeRate]:
    one = of.of_card(name, pci)
    reached = figure(one, "flop/clock/SM")
    if isinstance(one, Missing) or not isinstance(reached, Measured):
        return reached  # type: ignore[return-value]
    return ComputeRate(
        per_clock_sm=reached,
        tflops=summed_up(listed(one, "tflops"), "TFLOP/s", one.method),
        clock_mhz=_clock_mhz(one),
        kernel=words(one.values.get("kernel")) or "",
        throttle=throttle_names(one.values.get("throttle")) or (),
    )


def _clock_mhz(one: Measurement) -> float | None:
    """Cycles by nanoseconds as the kernel counted them; else what the probe made of them."""
    pairs = zip(listed(one, "cycles"), listed(one, "ns"), strict=False)
    clocks = [1000 * c / ns for c, ns in pairs if is_figure(c) and is_figure(ns)]
    clocks = [clock for clock in clocks or listed(one, "clock_mhz") if is_figure(clock)]
    return round(median(clocks), 1) if clocks else None


def _tensor_rate(bf16: Fact[ComputeRate], fp16: Fact[ComputeRate]) -> Fact[ComputeRate]:
    """Cards before Ampere have no bf16."""
    return fp16 if isinstance(bf16, Missing) and isinstance(fp16, ComputeRate) else bf16


def _family(catalog: Picked, device: Fact[CudaDevice]) -> Picked:
    if isinstance(catalog.value, Card):
        return Picked(catalog.value.family, catalog.source)
    if not isinstance(device, CudaDevice):
        return Picked(catalog.value)
    name = _FAMILIES.get(device.compute_capability)
    capability = plain(device.compute_capability)
    return Picked(name or Missing("not-present", f"compute capability {capability}"), SOURCE)


def wrong_results(
    of: Measurements, subjects: Mapping[str, str]
) -> dict[str, Fact[tuple[str, ...]]]:
    """By address what each card computed or copied wrongly; (): all was right.

    Equal kernels must give equal sums on every card. Where two cards differ that are both right
    by the known answer, one of them is not, and both are named.
    """
    known = {pci: _known_wrong(of, pci) for pci in subjects}
    sums = {pci: _checksums(of, pci) for pci in subjects if not known[pci]}
    found: dict[str, Fact[tuple[str, ...]]] = {}
    for pci in subjects:
        wrong = known[pci] or _differing(sums, pci, subjects)
        found[pci] = tuple(wrong[:_MOST]) if wrong else _untried(of, pci) or ()
    return found


def _untried(of: Measurements, pci: str) -> Missing | None:
    """Why "nothing was wrong" proves nothing: too little was computed, or not told."""
    own = of.of_card("compute-correct", pci)
    if gap := why(own):
        return gap
    for key, convert in (("wrong", count), ("iterations", positive)):
        if isinstance(told(own, key, convert), Missing):
            return Missing("not-parsed", f"compute-correct tells no {key}")
    return None if _checksums(of, pci) else Missing("not-parsed", "compute-correct tells no sum")


def _known_wrong(of: Measurements, pci: str) -> list[str]:
    found = [line(one) for one in of.on_card(pci) if one.status == "wrong-data"]
    own = of.of_card("compute-correct", pci)
    wrong = told(own, "wrong", count)
    if isinstance(wrong, int) and wrong and not any(f.startswith("compute-correct") for f in found):
        place = told(own, "where", words)
        where = f", {place}" if isinstance(place, str) else ""
        found.append(f"compute-correct: {wrong} times not the known answer{where}")
    return found


def _differing(
    sums: Mapping[str, Mapping[str, str]], pci: str, subjects: Mapping[str, str]
) -> list[str]:
    return [
        f"{kernel}: not the sum of {subjects[other]}"
        for other, its in sums.items()
        for kernel, value in sums[pci].items()
        if other != pci and its.get(kernel, value) != value
    ]


def _checksums(of: Measurements, pci: str) -> dict[str, str]:
    one = of.of_card("compute-correct", pci)
    given = {} if isinstance(one, Missing) else one.values.get("checksums")
    if not isinstance(given, dict):
        return {}
    pairs = ((words(key), words(value)) for key, value in list(given.items())[:64])
    return {key: value for key, value in pairs if key and value}
