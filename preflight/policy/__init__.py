"""What is required and which limits hold: YAML files of which one extends another.

name: our-hosts            # the file's own name where it is left out
extends: production        # a shipped one, or a path from this file; else `default`
description: …
required: {look: [gpu-count, …]}        # replaces the list of that level
limits: {pcie-link-width: {fail_at: 8}}    # fields of that check's Limits
waive: [{id: …, subject: gpu0, until: 2027-01-31, reason: …}]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, get_type_hints

from preflight.checks import Check, registry
from preflight.errors import UsageError
from preflight.findings import Finding, Level, Status, Waived
from preflight.policy.document import Place, day, parse, suggestion, text, value

_FOLDER = Path(__file__).parent
_ROOT = "default"
_MAX_BYTES = 256 << 10
_KEYS = ("name", "extends", "description", "required", "limits", "waive")
_WAIVER_KEYS = ("id", "subject", "until", "reason")
_WAIVABLE = (Status.WARN, Status.FAIL, Status.UNKNOWN)


@dataclass(frozen=True)
class Waiver:
    """A finding that somebody has accepted for a while."""

    id: str
    subject: str | None  # None: any
    until: date  # the last day on which it holds
    reason: str


@dataclass(frozen=True)
class Policy:
    """Everything that a person may decide about how a host is judged."""

    name: str
    description: str = ""
    required_at: Mapping[Level, tuple[str, ...]] = field(default_factory=dict)
    limits_of: Mapping[str, Any] = field(default_factory=dict)  # check id -> its Limits
    waivers: tuple[Waiver, ...] = ()
    day: date | None = None  # of the evidence; without it no waiver holds

    def limits(self, check: Check) -> Any:
        """The check's own Limits, with what this policy sets."""
        return self.limits_of.get(check.id) or check.limits()

    def required(self, level: Level) -> tuple[str, ...]:
        """Ids of the checks that must not be unknown: those of this level and of all below."""
        levels = [lower for lower in Level if lower.rank <= level.rank]
        return tuple(id for lower in levels for id in self.required_at.get(lower, ()))

    def requiring(self, *ids: str) -> Policy:
        """This policy, with these checks required at every level besides its own."""
        least = (*self.required_at.get(Level.LOOK, ()), *ids)
        return replace(self, required_at={**self.required_at, Level.LOOK: least})

    def at(self, moment: str) -> Policy:
        """This policy on the day of the evidence (RFC 3339); on no day where that is no date."""
        try:
            return replace(self, day=date.fromisoformat(moment[:10]))
        except ValueError:
            return replace(self, day=None)

    def waive(self, finding: Finding) -> Finding:
        """The finding, marked where a waiver holds for it; its status stays."""
        if finding.status not in _WAIVABLE:
            return finding
        for waiver in self.waivers:
            if self._covers(waiver, finding):
                waived = Waived(waiver.until.isoformat(), waiver.reason)
                return replace(finding, waived=waived)
        return finding

    def _covers(self, waiver: Waiver, finding: Finding) -> bool:
        is_meant = waiver.id == finding.id and waiver.subject in (None, finding.subject)
        return is_meant and self.day is not None and self.day <= waiver.until


def shipped() -> tuple[str, ...]:
    """Names of the policies that come with the package."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def load(name_or_path: str, checks: Sequence[Check] | None = None) -> Policy:
    """A shipped policy by name, or one from a file; UsageError with file and line."""
    known = {check.id: check for check in (registry() if checks is None else checks)}
    path = _find(name_or_path, Path())
    if path is None:
        near = suggestion(name_or_path, shipped())
        names = ", ".join(shipped())
        raise UsageError(f"no policy {name_or_path!r}{near}", f"a file, or one of: {names}")
    return _load(path, known, ())


def _find(name: str, folder: Path) -> Path | None:
    if name in shipped():
        return _FOLDER / f"{name}.yaml"
    path = folder / name
    return path if path.exists() else None


def _load(path: Path, known: Mapping[str, Check], chain: tuple[Path, ...]) -> Policy:
    root = parse(_read(path), str(path))
    parts = root.entries(_KEYS)
    chain = (*chain, path.resolve())
    policy = replace(_parent(path, parts.get("extends"), known, chain), name=path.stem)
    if "name" in parts:
        policy = replace(policy, name=text(parts["name"]))
    if "description" in parts:
        policy = replace(policy, description=text(parts["description"]))
    if "required" in parts:
        required = {**policy.required_at, **_required(parts["required"], known)}
        policy = replace(policy, required_at=required)
    if "limits" in parts:
        policy = replace(policy, limits_of=_limits(parts["limits"], known, policy))
    if "waive" in parts:
        waivers = tuple(_waiver(item, known) for item in parts["waive"].items())
        policy = replace(policy, waivers=policy.waivers + waivers)
    return policy


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{path}: larger than the {_MAX_BYTES >> 10} KiB of a policy")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}") from error


def _parent(
    path: Path, extends: Place | None, known: Mapping[str, Check], chain: tuple[Path, ...]
) -> Policy:
    if extends is None:
        root = _FOLDER / f"{_ROOT}.yaml"
        return Policy(_ROOT) if chain[-1] == root.resolve() else _load(root, known, chain)
    name = text(extends)
    parent = _find(name, path.parent)
    if parent is None:
        raise extends.fault(f"extends {name!r}, which is not there{suggestion(name, shipped())}")
    if parent.resolve() in chain:
        way = " -> ".join(file.name for file in (*chain, parent.resolve()))
        raise extends.fault(f"extends itself: {way}")
    return _load(parent, known, chain)


def _required(place: Place, known: Mapping[str, Check]) -> dict[Level, tuple[str, ...]]:
    required = {}
    for name, ids in place.entries([*Level]).items():
        level = Level(name)
        required[level] = tuple(_id(item, known) for item in ids.items())
        for item, id in zip(ids.items(), required[level], strict=True):
            if known[id].level.rank > level.rank:
                raise item.fault(f"{id} runs at level {known[id].level}, {level} cannot require it")
    return required


def _limits(place: Place, known: Mapping[str, Check], policy: Policy) -> dict[str, Any]:
    limits = dict(policy.limits_of)
    for id, fields in place.entries(known).items():
        kinds = get_type_hints(known[id].limits)
        given = {name: value(at, kinds[name]) for name, at in fields.entries(kinds).items()}
        try:
            limits[id] = replace(policy.limits(known[id]), **given)
        except ValueError as error:  # a Limits that looks at its own values
            raise fields.fault(f"{fields.path}: {error}") from error
    return limits


def _waiver(place: Place, known: Mapping[str, Check]) -> Waiver:
    parts = place.entries(_WAIVER_KEYS)
    for key in ("id", "until", "reason"):
        if key not in parts:
            raise place.fault(f"{place.path}: {key!r} is missing")
    subject = text(parts["subject"]) if "subject" in parts else None
    reason = text(parts["reason"]).strip()
    if not reason:
        raise parts["reason"].wrong("a reason")
    return Waiver(_id(parts["id"], known), subject, day(parts["until"]), reason)


def _id(place: Place, known: Mapping[str, Check]) -> str:
    id = text(place)
    if id not in known:
        raise place.fault(f"{place.path}: no check {id!r}{suggestion(id, known)}")
    return id
