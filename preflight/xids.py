"""What each Xid code of the kernel log means; the table is xids.yaml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

import msgspec
import yaml

from preflight.facts import XidEvent
from preflight.findings import FAIL, PASS, WARN, RemedyClass, Status

_STATUS = {"info": PASS, "warn": WARN, "fail": FAIL}


class TextRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str  # small letters
    status: str


class XidRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one code is judged and what a technician does about it."""

    codes: tuple[int, ...]
    meaning: str
    status: str  # "info", "warn" or "fail"
    remedy: str
    remedy_class: RemedyClass
    source: str
    texts: tuple[TextRule, ...] = ()
    warn_at: int | None = None
    fail_at: int | None = None
    same_place_fail_at: int | None = None

    def judge(self, events: Iterable[XidEvent]) -> Status:
        """The worst of these events of one card, or of how many there are."""
        events = tuple(events)
        count = sum(event.count for event in events)
        statuses = {self._of(event.message.lower()) for event in events}
        if self.fail_at is not None and count >= self.fail_at:
            statuses.add(FAIL)
        if self.warn_at is not None and count >= self.warn_at:
            statuses.add(WARN)
        if self._has_worn_place(events):
            statuses.add(FAIL)
        return next(status for status in (FAIL, WARN, PASS) if status in statuses)

    def _has_worn_place(self, events: Iterable[XidEvent]) -> bool:
        """One place stopped that many programs, and no other place any."""
        stopped: Counter[str] = Counter()
        for event in events:
            stopped.update(event.places)
        least = self.same_place_fail_at
        return least is not None and len(stopped) == 1 and stopped.total() >= least

    def _of(self, line: str) -> Status:
        said = next((rule.status for rule in self.texts if rule.text in line), self.status)
        return _STATUS[said]


UNKNOWN = XidRule(
    codes=(),
    meaning="unknown Xid",
    status="warn",
    remedy="Look the code up in NVIDIA's Xid catalogue.",
    remedy_class="watch",
    source="a code that is not in the table may mean anything",
)


@cache
def table() -> Mapping[int, XidRule]:
    """Every code of xids.yaml with its rule."""
    text = resources.files("preflight").joinpath("xids.yaml").read_text("utf-8")
    rules = msgspec.convert(yaml.load(text, yaml.CSafeLoader), tuple[XidRule, ...])
    return {code: rule for rule in rules for code in rule.codes}
