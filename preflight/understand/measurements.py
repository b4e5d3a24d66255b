"""What the probe measured, found by name and card; figures of raw samples, or why there is none."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any, TypeVar

from preflight.capture import Capture, Measurement, plain
from preflight.facts import NOT_COLLECTED, Fact, Missing, MissingReason
from preflight.measured import Measured
from preflight.parsers.pci_address import normal
from preflight.understand.picking import Picked, count, known, number, words

T = TypeVar("T")
SOURCE = "measurements"
_MOST = 20_000  # samples of an entry: a guess, far above what is taken
_LESS_IS_BETTER = frozenset({"us"})
_SMALLEST, _LARGEST = 1e-9, 1e12  # of any figure in any unit
_REASONS: Mapping[str, MissingReason] = {
    "timed-out": "timed-out",
    "not-supported": "not-supported",
    "tool-absent": "tool-absent",
    "skipped": "skipped",
    "in-use": "in-use",
}
# Why nothing was tried or can be; every other word, also an unknown one, is a fault.
HARMLESS = frozenset({"skipped", "in-use", "not-supported", "tool-absent"})
_WRONG, _FAULT, _WELL, _GAP = range(4)
Key = tuple[str, str, str, str]  # name, card, from, to


@dataclass(frozen=True)
class Measurements:
    """All measurements of a capture; of several of one name and card the worst counts."""

    by_key: Mapping[Key, Measurement]
    by_card: Mapping[str, Sequence[Measurement]]
    by_pair: Mapping[tuple[str, str], Sequence[Measurement]]
    by_name: Mapping[str, Sequence[Measurement]]

    def of_card(self, name: str, pci: str) -> Measurement | Missing:
        return self.by_key.get((name, pci, "", "")) or NOT_COLLECTED

    def of_pair(self, name: str, source: str, target: str) -> Measurement | Missing:
        return self.by_key.get((name, "", source, target)) or NOT_COLLECTED

    def named(self, name: str) -> Sequence[Measurement]:
        return self.by_name.get(name, ())

    def on_card(self, pci: str) -> Sequence[Measurement]:
        return self.by_card.get(pci, ())

    def between(self, source: str, target: str) -> Sequence[Measurement]:
        return self.by_pair.get((source, target), ())


def measurements(capture: Capture) -> Measurements:
    chosen: dict[Key, Measurement] = {}
    names: dict[str, list[Measurement]] = defaultdict(list)
    for one in capture.measurements:
        pci, of, to = (_place(text) for text in (one.pci, one.of, one.to))
        key = one.name[:80], pci, of, to
        names[key[0]].append(one)
        if key not in chosen or _rank(one) < _rank(chosen[key]):
            chosen[key] = one
    cards: dict[str, list[Measurement]] = defaultdict(list)
    pairs: dict[tuple[str, str], list[Measurement]] = defaultdict(list)
    for (_, pci, of, to), one in chosen.items():
        if pci:
            cards[pci].append(one)
        elif of and to:
            pairs[of, to].append(one)
    return Measurements(chosen, cards, pairs, names)


def _place(text: str) -> str:
    """An address; "" where none is told: what is no address is of no card, not of all."""
    return (normal(text) or f"?{text[:40]}") if text else ""


def is_fault(one: Measurement) -> bool:
    """It failed or never ended; damaged data are a result."""
    return _rank(one) == _FAULT


def _rank(one: Measurement) -> int:
    """The worse, the lower; what was left out says nothing against what was done."""
    if one.status == "wrong-data" or count(one.values.get("wrong")):
        return _WRONG if one.status in ("ok", "wrong-data") else _FAULT
    if one.status == "ok":
        return _WELL
    return _GAP if one.status in HARMLESS else _FAULT


def taken(fact: Fact[Any]) -> Picked:
    """The fact with its source, where something was measured."""
    return Picked(fact, SOURCE if known(fact) else "")


def why(one: Measurement | Missing) -> Missing | None:
    """Why a measurement gave nothing; None where it ended well."""
    if isinstance(one, Missing):
        return one
    if one.status == "ok":
        return None
    reason = _REASONS.get(one.status)
    said = words(one.detail) or plain(one.name)[:40]
    return Missing(reason, said[:200]) if reason else Missing("tool-failed", line(one))


def line(one: Measurement) -> str:
    """What became of it, in one line fit to be shown: "device-copy: timed out: …"."""
    said = words(one.detail)
    told = f": {said[:160]}" if said else ""
    return f"{plain(one.name)[:40]}: {plain(one.status)[:20].replace('-', ' ')}{told}"


def figure(one: Measurement | Missing, unit: str) -> Fact[Measured]:
    """Median and spread of its samples; a unit that is another's is not understood."""
    if isinstance(one, Missing):
        return one
    if gap := why(one):
        return gap
    if one.unit != unit:
        return Missing("not-parsed", f"{plain(one.name)[:40]} in {plain(one.unit)[:20]!r}")
    return summed_up(one.samples, unit, one.method) or Missing(
        "not-parsed", f"{line(one)}: samples"
    )


def summed_up(samples: Sequence[Any], unit: str, method: str) -> Measured | None:
    """None where there is no sample, or one that is no figure."""
    if not samples or not all(is_figure(sample) for sample in samples[:_MOST]):
        return None
    kept = [float(sample) for sample in samples[:_MOST]]
    middle = median(kept)
    low, _, high = quantiles(kept, n=4, method="inclusive") if len(kept) > 1 else kept * 3
    better = low if unit in _LESS_IS_BETTER else high
    return Measured(middle, better, (high - low) / middle, len(kept), unit, words(method) or "")


def is_figure(value: object) -> bool:
    """A number above zero of a size that something measured can have."""
    told = number(value)
    return told is not None and math.isfinite(told) and _SMALLEST <= told < _LARGEST


def told(one: Measurement | Missing, key: str, convert: Callable[[Any], T | None]) -> Fact[T]:
    """What a measurement adds under `key`, also one that then failed."""
    if isinstance(one, Missing):
        return one
    value = one.values.get(key)
    converted = None if value is None else convert(value)
    if converted is not None:
        return converted
    return why(one) or Missing("not-present", f"{plain(one.name)[:40]} tells no {key}")


def listed(one: Measurement | Missing, key: str) -> list[Any]:
    """A list under `key`, bounded; empty where there is none."""
    value = [] if isinstance(one, Missing) else one.values.get(key)
    return value[:_MOST] if isinstance(value, list) else []


def positive(value: object) -> int | None:
    """A whole number above zero."""
    return count(value) or None
