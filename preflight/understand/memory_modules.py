"""The memory modules of the board, by DMI's list of their slots (type 17).

Boards name a slot's channel in its locator ("P1-DIMMA1", "ChannelA-DIMM0", "DIMM_A1",
"Controller0-ChannelA-DIMM1") or in its bank locator ("P0 CHANNEL A"), or not at all ("DIMM1").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from preflight.facts import Fact, MemoryModules, Missing

_DEVICE = re.compile(r"^Memory Device$", re.MULTILINE)
_FIELD = re.compile(r"^\s{1,8}([A-Za-z ]{1,40}): ([^\n]{1,80})$", re.MULTILINE)
_LOCATORS = (
    re.compile(r"(.{0,20}?channel ?[A-P])(?![a-z]).{0,20}", re.IGNORECASE),
    re.compile(r"(.{0,20}?dimm[ _]?[A-P])[ _]?\d.{0,10}", re.IGNORECASE),
)
_BANK = re.compile(r"(.{0,20}?channel ?[A-P])(?![a-z]).{0,20}", re.IGNORECASE)
_SPEED = re.compile(r"(\d{3,5}) M(?:T/s|Hz)")


def memory_modules(listing: str) -> Fact[MemoryModules]:
    slots = [dict(_FIELD.findall(body)) for body in _bodies(listing)]
    slots = [slot for slot in slots if slot.get("Form Factor", "") not in ("Chip", "Die")]
    filled = [slot for slot in slots if re.match(r"\d", slot.get("Size", ""))]
    if not filled:
        return Missing("not-present", "DMI lists no memory module")
    speeds = [_speed(slot, "Configured Memory Speed", "Configured Clock Speed") for slot in filled]
    return MemoryModules(
        modules=len(filled),
        slots=len(slots),
        per_channel=_per_channel(slots, filled),
        speed_mt_s=_slowest(speeds),
        rated_mt_s=_slowest([_speed(slot, "Speed") for slot in filled]),
    )


def _bodies(listing: str) -> list[str]:
    return [body.split("\n\n", 1)[0] for body in _DEVICE.split(listing[: 1 << 20])[1:]]


def _per_channel(
    slots: list[dict[str, str]], filled: list[dict[str, str]]
) -> tuple[int, ...] | None:
    """None where a single slot does not tell its channel."""
    channels = [_channel(slot) for slot in slots]
    if None in channels:
        return None
    counted = Counter(_channel(slot) for slot in filled)
    return tuple(counted[channel] for channel in dict.fromkeys(channels))


def _channel(slot: Mapping[str, str]) -> str | None:
    for pattern in _LOCATORS:
        found = pattern.fullmatch(slot.get("Locator", "").strip())
        if found:
            return found[1]
    found = _BANK.fullmatch(slot.get("Bank Locator", "").strip())
    return found[1] if found else None


def _speed(slot: Mapping[str, str], *names: str) -> int | None:
    told = next((slot[name] for name in names if name in slot), "")
    found = _SPEED.fullmatch(told.strip())
    return int(found[1]) if found else None


def _slowest(speeds: list[int | None]) -> int | None:
    known = [speed for speed in speeds if speed is not None]
    return min(known) if known and len(known) == len(speeds) else None
