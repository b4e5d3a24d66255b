"""Finding, verdict and report: the words in which a host is judged."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from textwrap import shorten
from typing import Any, Literal, get_args

from preflight.facts import Facts, GpuModel


class Status(StrEnum):
    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"


class Level(StrEnum):
    """How much is done to the host, from reading only to sustained load."""

    LOOK = "look"
    MEASURE = "measure"
    SOAK = "soak"

    @property
    def rank(self) -> int:
        return list(Level).index(self)


class Verdict(StrEnum):
    ACCEPT = "accept"
    REJECT = "reject"
    UNKNOWN = "unknown"


Basis = Literal["measured", "reported", "catalog", "inferred"]
RemedyClass = Literal[
    "watch",
    "reconfigure",
    "restart-app",
    "reset-gpu",
    "reboot",
    "power-cycle",
    "service",
    "replace",
]
REMEDIES: tuple[RemedyClass, ...] = get_args(RemedyClass)  # from the lightest to the heaviest
PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL
_SINCE_BOOT = re.compile(r"\d{1,10}\.\d{1,9}")  # seconds, as dmesg prints them


def graded(value: float, pass_at: float, warn_at: float) -> Status:
    """Pass from `pass_at` up, warn from `warn_at` up, else fail."""
    return PASS if value >= pass_at else WARN if value >= warn_at else FAIL


def where_proven(status: Status, proven: Collection[str], *families: str | None) -> Status:
    """A limit that was not seen to hold on all these families warns and never fails."""
    is_proven = bool(families) and all(family in proven for family in families)
    return WARN if status is FAIL and not is_proven else status


def when(stamp: str, boot: int) -> str:
    """A log's stamp as a person reads it, of this boot (0) or the one before (-1)."""
    told = shorten(stamp, 40, placeholder="…") or "without a time"
    if _SINCE_BOOT.fullmatch(stamp):
        seconds = float(stamp)
        steps = (("days", 86400), ("h", 3600), ("min", 60), ("s", 1))
        unit, size = next((step for step in steps if seconds >= 2 * step[1]), steps[-1])
        told = f"{seconds / size:.0f} {unit} after boot"
    return told if boot == 0 else f"{told}, before the last reboot"


def two_of(models: Sequence[GpuModel]) -> tuple[str, ...]:
    """The products of a host's two cards; () where it has more: limits of two prove nothing."""
    names = tuple(model.name.removeprefix("NVIDIA ") for model in models)
    return names if len(names) == 2 else ()


@dataclass(frozen=True)
class Waived:
    until: str  # ISO date, held against the capture's own time
    reason: str


@dataclass(frozen=True)
class Finding:
    """What one check says of one subject.

    A check fills in status, figures and, where the figures alone do not speak, `message`; the
    engine adds id, subject, place, remedy and evidence.
    """

    status: Status
    measured: Any = None
    expected: Any = None
    unit: str | None = None
    message: str = ""
    remedy: str | None = None
    remedy_class: RemedyClass | None = None
    basis: Basis = "reported"
    id: str = ""
    subject: str = ""
    evidence: tuple[str, ...] = ()
    reason: str | None = None  # why it is unknown or not applicable
    waived: Waived | None = None


@dataclass(frozen=True)
class Judgement:
    """The verdict and, for each required check that stands in its way, why."""

    verdict: Verdict
    missing_required: tuple[str, ...] = ()  # ids of required checks that are unknown
    is_cut: bool = False  # the evidence ends early, so that it accepts nothing


@dataclass(frozen=True)
class Report:
    """One host judged; what every renderer is given."""

    host: str
    started: str  # RFC 3339, UTC
    finished: str
    level: Level
    policy: str
    simulated: str | None  # name of the simulated machine, None for a real host
    judgement: Judgement
    findings: Sequence[Finding]
    not_run: Mapping[str, tuple[str, ...]]  # level -> ids of its checks
    facts: Facts
    capture_sha256: str
    notes: tuple[str, ...] = field(default=())  # e.g. "ran as deploy, without root"
    layouts: Sequence[Mapping[str, Any]] | None = None  # as `preflight plan`; None: nothing planned
    imported: str | None = None  # the tool that took the evidence, where it was not the probe

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict
