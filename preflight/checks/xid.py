"""The kernel log holds no Xid that speaks against a card.

Why: an Xid is the driver's own report that something went wrong on a card, with a number for what.
  Some are a program's fault; others say that the card lost power, memory or its place on the bus,
  and a card that did so will do it again.
Fix: Do what the code asks for: restart, reset, power off and on, reseat or replace.
Source: NVIDIA's Xid catalogue (driver 590), code by code in xids.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import shorten

from preflight.facts import Gpu, XidEvent
from preflight.findings import FAIL, PASS, REMEDIES, WARN, Finding, Status, when
from preflight.xids import UNKNOWN, XidRule, table

ID = "xid"
SUBJECT = Gpu
REMEDY_CLASS = "reset-gpu"
_RANK = (FAIL, WARN, PASS)
_SHOWN = 4


@dataclass(frozen=True)
class Judged:
    """One code on one card."""

    status: Status
    count: int
    code: int
    rule: XidRule
    latest: XidEvent
    said: str  # the line itself, where its words decide; "" where the code alone does


@dataclass(frozen=True)
class Limits:
    """Codes that a policy judges in its own way, whatever the table says."""

    fail: tuple[int, ...] = ()  # one event fails
    warn: tuple[int, ...] = ()  # however many
    info: tuple[int, ...] = ()  # shown, and no fault


def check(limits: Limits, *, xids: tuple[XidEvent, ...]) -> Finding:
    if not xids:
        return Finding(PASS, (), message="no Xid in the kernel log")
    judged = [_judge(limits, code, xids) for code in sorted({event.code for event in xids})]
    judged.sort(key=_gravest)
    worst = judged[0]
    return Finding(
        worst.status,
        tuple(one.code for one in judged),
        message=_words(judged),
        remedy=worst.rule.remedy,
        remedy_class=worst.rule.remedy_class,
    )


def _judge(limits: Limits, code: int, xids: Iterable[XidEvent]) -> Judged:
    events = [event for event in xids if event.code == code]
    rule = table().get(code, UNKNOWN)
    chosen = ((FAIL, limits.fail), (WARN, limits.warn), (PASS, limits.info))
    by_policy = next((status for status, codes in chosen if code in codes), None)
    status = by_policy or rule.judge(events)
    latest = max(events, key=lambda event: event.boot)
    telling = next((event for event in events if rule.judge((event,)) is status), latest)
    said = telling.message if rule.texts else ""
    return Judged(status, sum(event.count for event in events), code, rule, latest, said)


def _gravest(judged: Judged) -> tuple[int, int, int]:
    """The status first, then what asks for the heaviest remedy, then what came most often."""
    heavy = REMEDIES.index(judged.rule.remedy_class)
    return _RANK.index(judged.status), -heavy, -judged.count


def _words(judged: list[Judged]) -> str:
    parts = [_one(code) for code in judged[:_SHOWN]]
    if len(judged) > _SHOWN:
        parts.append(f"{len(judged) - _SHOWN} more codes")
    return ", ".join(parts)


def _one(judged: Judged) -> str:
    said = f": {shorten(judged.said, 80, placeholder='…')}" if judged.said else ""
    seen = when(judged.latest.last, judged.latest.boot)
    return f"Xid {judged.code} x{judged.count} ({judged.rule.meaning}{said}; last {seen})"
