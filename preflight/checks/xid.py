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
from preflight.findings import FAIL, PASS, WARN, Finding, Status
from preflight.xids import UNKNOWN, XidRule, table

ID = "xid"
SUBJECT = Gpu
REMEDY_CLASS = "reset-gpu"
_RANK = (FAIL, WARN, PASS)
_SHOWN = 4

Judged = tuple[Status, int, int, XidRule, XidEvent]  # status, count, code, rule, latest event


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
    judged.sort(key=lambda one: (_RANK.index(one[0]), -one[1]))
    status, _, _, rule, _ = judged[0]
    codes = tuple(code for _, _, code, _, _ in judged)
    return Finding(
        status,
        codes,
        message=_words(judged),
        remedy=rule.remedy,
        remedy_class=rule.remedy_class,
    )


def _judge(limits: Limits, code: int, xids: Iterable[XidEvent]) -> Judged:
    events = [event for event in xids if event.code == code]
    rule = table().get(code, UNKNOWN)
    chosen = ((FAIL, limits.fail), (WARN, limits.warn), (PASS, limits.info))
    by_policy = next((status for status, codes in chosen if code in codes), None)
    status = by_policy or rule.judge(events)
    latest = max(events, key=lambda event: event.boot)
    return status, sum(event.count for event in events), code, rule, latest


def _words(judged: list[Judged]) -> str:
    parts = [
        f"Xid {code} x{count} ({rule.meaning}; last {_when(event)})"
        for _, count, code, rule, event in judged[:_SHOWN]
    ]
    if len(judged) > _SHOWN:
        parts.append(f"{len(judged) - _SHOWN} more codes")
    return ", ".join(parts)


def _when(event: XidEvent) -> str:
    stamp = shorten(event.last, 40, placeholder="…") or "without a time"
    return stamp if event.boot == 0 else f"{stamp}, before the last reboot"
