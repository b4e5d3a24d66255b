"""What `preflight power` says: as text for people, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from preflight.supply import figures
from preflight.supply.sizing import CONTINUOUS, Cabling, Row, Sizing

SCHEMA = "gpu-preflight/power/1"


def render(sizing: Sizing) -> str:
    """Verdict, the table of durations, cables, wall, and where each figure comes from."""
    lines = [
        f"{_cards(sizing)} on {_supply(sizing)}: {sizing.status}",
        "",
        f"load        {sizing.cards_w:.0f} W of cards at their default limits, "
        f"{sizing.host_w:.0f} W of the host",
        "",
        *_table(sizing.rows),
        "",
        f"rating      {_hundred(sizing.needed_w)} W or more{_of(sizing)} would be ok",
        *_marked("cables", [_cable(one) for one in sizing.cabling]),
        *_marked("wall", _wall(sizing)),
        "",
        *_sources(sizing),
    ]
    return "\n".join(lines) + "\n"


def to_json(sizing: Sizing) -> bytes:
    told = figures()
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "status": sizing.status,
        "gpus": [
            {"count": one.count, "name": one.card.name, "power_limit_w": one.card.power_limit_w}
            for one in sizing.gpus
        ],
        "psu": {
            "rating_w": sizing.psu.rating_w,
            "each_w": sizing.psu.each_w,
            "count": sizing.psu.count,
            "redundant": sizing.psu.is_redundant,
            "standard": sizing.psu.standard or None,
        },
        "host_w": sizing.host_w,
        "load_w": sizing.cards_w + sizing.host_w,
        "needed_w": round(sizing.needed_w, 1),
        "rows": [_rounded(asdict(row)) for row in sizing.rows],
        "cabling": [asdict(one) for one in sizing.cabling],
        "mains_w": round(sizing.mains_w, 1),
        "mains_source": told.efficiency.source,
        "walls": [_rounded(asdict(wall)) for wall in sizing.walls],
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _cards(sizing: Sizing) -> str:
    return " and ".join(f"{one.count}x {one.card.name}" for one in sizing.gpus)


def _supply(sizing: Sizing) -> str:
    named = sizing.psu.standard or "no standard named, judged as ATX 2.x"
    psu = sizing.psu
    if psu.count == 1:
        return f"{psu.each_w} W ({named})"
    carry = f", of which {psu.rating_w} W must do without the spare" if psu.is_redundant else ""
    return f"{psu.count} x {psu.each_w} W{carry} ({named})"


def _of(sizing: Sizing) -> str:
    psu = sizing.psu
    if psu.count == 1:
        return " of this standard"
    return " of this standard, without the spare," if psu.is_redundant else " together"


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [f"{'for':<12}{'load':>8}{'borne':>9}{'share':>8}   {'':<11}basis"]
    for row in rows:
        share = row.load_w / row.borne_w
        lines.append(
            f"{row.window:<12}{row.load_w:>6.0f} W{row.borne_w:>7.0f} W{share:>7.0%}"
            f"   {row.status:<11}{row.basis}"
        )
    return lines


def _cable(one: Cabling) -> str:
    each = f"each {one.name} ({one.limit_w:.0f} W): "
    if one.is_baseboard:
        return each + "none, it is fed by its baseboard"
    if not one.eight_pins:
        return each + "none, the slot is enough"
    watts = figures().connectors
    pins = f"{one.eight_pins} x 8-pin of {watts['8-pin'].value:.0f} W on a cable each"
    return f"{each}one 12V-2x6 of {watts['12V-2x6'].value:.0f} W, or {pins}"


def _wall(sizing: Sizing) -> list[str]:
    enough = [wall for wall in sizing.walls if wall.status == "ok"]
    short = [wall for wall in sizing.walls if wall.status != "ok"]
    draw = f"{sizing.mains_w:.0f} W at the plug for hours"
    lines = [f"{draw}; {wall.name} carries {wall.allowed_w:.0f} W" for wall in enough[:1]]
    lines = lines or [f"{draw}: more than one circuit carries"]
    if short:
        names = ", ".join(f"{wall.name} ({wall.allowed_w:.0f} W)" for wall in short)
        lines.append(f"too small: {names}")
    return lines


def _sources(sizing: Sizing) -> list[str]:
    told = figures()
    continuous, *moments = sizing.rows
    said = [
        f"{CONTINUOUS}: up to {told.pass_to.value:.0%} of the rating is ok, above "
        f"{told.warn_to.value:.0%} too small ({continuous.borne_source})",
        f"moments, cards: {moments[0].load_source}; other cards are taken to behave as it does",
        f"moments, supply: {moments[0].borne_source}",
        f"host: {told.host_w.source}",
        f"wall: efficiency {told.efficiency.value:.0%} ({told.efficiency.source})",
    ]
    return ["where it comes from", *(f"  {line}" for line in said)]


def _marked(mark: str, lines: Sequence[str]) -> list[str]:
    return [f"{mark if not n else '':<12}{line}" for n, line in enumerate(lines)]


def _hundred(watts: float) -> int:
    """Rounded up to ten watts, as ratings are sold."""
    return int(-(-watts // 10) * 10)


def _rounded(record: dict[str, Any]) -> dict[str, Any]:
    return {key: round(v, 1) if isinstance(v, float) else v for key, v in record.items()}
