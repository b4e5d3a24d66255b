"""What the board's own controller (BMC) tells of supplies, heat and events, and DMI of supplies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from preflight.capture import Capture
from preflight.facts import (
    BmcEvent,
    Fact,
    Gpu,
    Missing,
    NotApplicable,
    PowerBudget,
    PowerSupply,
)
from preflight.parsers import ipmi_sdr
from preflight.understand.evidence import Evidence
from preflight.understand.picking import Picked, Picks, first, known, words
from preflight.understand.sources import failure, parsed, text

_SUPPLY_ENTITY = "10."  # IPMI 2.0, table 43-13: power supply
_SUPPLY = re.compile(r"(?:^|[^a-z])(?:psu?|pws|power supply) ?_?\d", re.IGNORECASE)
_SUPPLY_STATES = re.compile(r"presence detected|failure detected|AC lost|predictive", re.IGNORECASE)
_REDUNDANCY = re.compile(r"(?:ps|psu|pwr|power).{0,20}redund", re.IGNORECASE)
_INLET = re.compile(r"inlet|ambient|front.{0,8}temp", re.IGNORECASE)
_DATE = ("%m/%d/%Y", "%Y-%m-%d", "%m/%d/%y")
_SEL_LINE = re.compile(r"\s{0,12}[0-9a-fA-F]{1,8} \|")
_MOST = 200
_NO_BMC = NotApplicable("the host has no BMC device")
_SYSTEM_SUPPLY = re.compile(r"^System Power Supply$", re.MULTILINE)
_CAPACITY = re.compile(r"^\s{1,8}Max Power Capacity: (\d{1,6}) W$", re.MULTILINE)
_PRESENT = re.compile(r"^\s{1,8}Status: Present", re.MULTILINE)


def bmc(evidence: Evidence, gpus: tuple[Gpu, ...] | Missing) -> Picks:
    sensors = _sensors(evidence)
    return {
        "power_supplies": first(("ipmi-sdr", _supplies(sensors))),
        "power_redundancy": first(("ipmi-sdr", _redundancy(sensors))),
        "inlet_temperature_c": first(("ipmi-sdr", _inlet(sensors))),
        "bmc_events": _events(evidence),
        "power_budget": _budget(evidence, gpus),
    }


def _seen_from_here(evidence: Evidence, name: str) -> Missing | NotApplicable | None:
    """Why the BMC cannot be asked from where the probe ran; None where it could."""
    if evidence.is_guest or evidence.is_container:
        return Missing("guest-view", "the BMC is the host's")
    why = failure(evidence.capture.sources.get(name))
    return _NO_BMC if why is not None and why.reason == "not-present" else why


def _sensors(evidence: Evidence) -> Fact[Sequence[Any]]:
    why = _seen_from_here(evidence, "ipmi-sdr")
    if isinstance(why, NotApplicable) or (why is not None and why.reason != "tool-failed"):
        return why
    table = parsed(evidence.capture, "ipmi-sdr", ipmi_sdr.parse)
    return table if isinstance(table, Missing) else table["sensors"]


def _supplies(sensors: Fact[Sequence[Any]]) -> Fact[tuple[PowerSupply, ...]]:
    """Each supply's own sensor of state, by its entity, else by its name."""
    if isinstance(sensors, (Missing, NotApplicable)):
        return sensors
    found = tuple(
        PowerSupply(_supply_name(sensor), None, words(sensor["state"]) or "")
        for sensor in sensors[:1024]
        if _is_supply(sensor)
    )
    return found or Missing("not-present", "the BMC lists no state of a power supply")


def _is_supply(sensor: Any) -> bool:
    """A state in words or, of an empty bay, no reading; a hexadecimal one says nothing here."""
    name, entity, state = sensor["name"], sensor["entity"], sensor["state"]
    if state is None:
        tells = sensor["kind"] == "status" and "status" in name.lower()
    else:
        tells = _SUPPLY_STATES.search(state[:400]) is not None
    is_one = entity is not None and entity.startswith(_SUPPLY_ENTITY)
    return tells and (is_one or _SUPPLY.search(name) is not None)


def _supply_name(sensor: Any) -> str:
    name = words(sensor["name"]) or "?"
    return name if re.search(r"\d", name) else f"{name} {sensor['entity'] or ''}".strip()


def _redundancy(sensors: Fact[Sequence[Any]]) -> Fact[str]:
    if isinstance(sensors, (Missing, NotApplicable)):
        return sensors
    for sensor in sensors[:1024]:
        if _REDUNDANCY.search(sensor["name"]) and sensor["state"]:
            return words(sensor["state"]) or Missing("not-parsed")
    return Missing("not-present", "the BMC tells nothing of redundant supplies")


def _inlet(sensors: Fact[Sequence[Any]]) -> Fact[float]:
    if isinstance(sensors, (Missing, NotApplicable)):
        return sensors
    for sensor in sensors[:1024]:
        is_inlet = sensor["kind"] == "temperature" and _INLET.search(sensor["name"])
        if is_inlet and sensor["value"] is not None and sensor["unit"] == "degrees C":
            return float(sensor["value"])
    return Missing("not-present", "the BMC has no sensor of the air that comes in")


def _events(evidence: Evidence) -> Picked:
    """`ipmitool sel elist`: number | date | time | sensor | event | Asserted or Deasserted."""
    why = _seen_from_here(evidence, "ipmi-sel")
    if why is not None:
        return Picked(why)
    listing = text(evidence.capture, "ipmi-sel")
    if isinstance(listing, Missing):
        return Picked(listing)
    if "SEL has no entries" in listing[:4096]:
        return Picked((), "ipmi-sel")
    lines = [line for line in listing[: 1 << 20].splitlines() if _SEL_LINE.match(line)]
    events = tuple(_event(line, evidence.capture) for line in lines[-_MOST:])
    if not events and listing.strip():
        return Picked(Missing("not-parsed", words(listing[:80]) or ""))
    return Picked(events, "ipmi-sel")


def _event(line: str, capture: Capture) -> BmcEvent:
    cells = [cell.strip() for cell in line[:1000].split("|")]
    cells += [""] * (6 - len(cells))
    return BmcEvent(
        sensor=words(cells[3]) or "",
        message=words(cells[4]) or "",
        is_asserted=cells[5].lower() != "deasserted",
        age_days=_age(f"{cells[1]} {cells[2][:8]}", capture.started),
    )


def _age(stamp: str, now: str) -> float | None:
    """Days before the probe ran; None where the BMC's clock was not set ("Pre-Init")."""
    for form in _DATE:
        try:
            then = datetime.strptime(stamp, f"{form} %H:%M:%S")
            taken = datetime.fromisoformat(now[:19])
        except ValueError:
            continue
        return (taken - then).total_seconds() / 86400
    return None


def _budget(evidence: Evidence, gpus: tuple[Gpu, ...] | Missing) -> Picked:
    """The reason names the sum where no rating is told, so that a person can compare it."""
    if evidence.is_guest or evidence.is_container:
        return Picked(Missing("guest-view", "the power supply is the host's"))
    if isinstance(gpus, Missing):
        return Picked(gpus)
    limits = [_limit(gpu) for gpu in gpus]
    lacking = next((limit for limit in limits if not known(limit)), None)
    if isinstance(lacking, (Missing, NotApplicable)):
        return Picked(lacking)
    cards = sum(limit for limit in limits if isinstance(limit, float))
    ratings = tuple(_ratings(evidence.capture))
    sockets = _sockets(evidence.capture)
    if not ratings:
        says = f"no rating of the supply is told; the cards' limits are {cards:.0f} W together"
        return Picked(Missing("not-present", says))
    return Picked(PowerBudget(cards, sockets, ratings), "dmidecode")


def _limit(gpu: Gpu) -> Fact[float]:
    """The enforced limit, else the default."""
    enforced = gpu.power_limit_w
    return enforced if isinstance(enforced, float) else gpu.power_limit_default_w


def _ratings(capture: Capture) -> Iterator[int]:
    """Of the supplies that DMI says are present; boards with one fixed supply know no rating."""
    listing = text(capture, "dmidecode")
    if isinstance(listing, Missing):
        return
    for block in _SYSTEM_SUPPLY.split(listing[: 1 << 20])[1:]:
        body = block.split("\n\n", 1)[0]
        capacity = _CAPACITY.search(body)
        if capacity and _PRESENT.search(body) and int(capacity[1]):
            yield int(capacity[1])


def _sockets(capture: Capture) -> int:
    listing = text(capture, "lscpu")
    found = (
        None
        if isinstance(listing, Missing)
        else re.search(r"^Socket\(s\):\s{1,60}(\d{1,3})$", listing, re.MULTILINE)
    )
    return int(found[1]) if found else 1
