"""What heat and power did to one card while it was measured, second by second."""

from __future__ import annotations

import re
from collections import Counter

from preflight.facts import Fact, Missing
from preflight.understand.measurements import Measurements, listed
from preflight.understand.picking import Picked, Picks, number, whole
from preflight.understand.power import throttle_names

_MOST = 20_000  # samples: a guess, hours of them
_STOPPED = re.compile(r"stopped: (\d{1,3}) °C, at most (\d{1,3}) °C")
_OF_ALL = "-together"  # stopped for any one of its cards


def under_load(of: Measurements, pci: str) -> Picks:
    hot, held = _heat(of, pci), _held(of, pci)
    harm = held if isinstance(held, dict) else {}
    return {
        "heat_stop": Picked(hot, "measurements" if hot else ""),
        "throttle_under_load": Picked(held, "measurements" if harm else ""),
    }


def _heat(of: Measurements, pci: str) -> str:
    """ "95 °C, at most 87 °C": what ended the measuring of this card; "" where nothing did."""
    for one in of.on_card(pci):
        stop = None if one.name.endswith(_OF_ALL) else _STOPPED.search(one.detail[:400])
        if stop:
            return f"{stop[1]} °C, at most {stop[2]} °C"
    watched = of.of_card("under-load", pci)
    limit = None if isinstance(watched, Missing) else whole(watched.values.get("limit_c"))
    degrees = [d for d in map(number, listed(watched, "temperature_c")[:_MOST]) if d is not None]
    hottest = max(degrees, default=None)
    is_hot = limit is not None and hottest is not None and hottest >= limit > 0
    return f"{hottest:.0f} °C, at most {limit} °C" if is_hot else ""


def _held(of: Measurements, pci: str) -> Fact[dict[str, float]]:
    """What of heat and of the supply's brake slowed it down, and in which part of the samples."""
    masks = listed(of.of_card("under-load", pci), "throttle")[:_MOST]
    sampled = [names for names in map(throttle_names, masks) if names is not None]
    if not sampled:
        return Missing("not-collected", "nobody watched what slowed the card down")
    seen = Counter(name for names in sampled for name in names)
    bad = ("hw_thermal", "hw_power_brake", "sw_thermal")
    return {name: seen[name] / len(sampled) for name in bad if seen[name]}
