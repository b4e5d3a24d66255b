"""How the host's system was started and how it is: parameters, IOMMU, clock, failed services."""

from __future__ import annotations

import re

from preflight.capture import Capture
from preflight.catalog import card_for
from preflight.facts import Clock, Fact, Missing, NotApplicable
from preflight.understand.boot import uptime
from preflight.understand.cards import is_nvidia_display
from preflight.understand.evidence import Evidence
from preflight.understand.picking import Picked, Picks, first, words
from preflight.understand.sources import exists, failure, file, text

_DOMAIN = re.compile(r"iommu: Default domain type: (Translated|Passthrough)")
_NO_DOMAIN = re.compile(r"(?:AMD-Vi|DMAR): (?:IOMMU )?(?:disabled|Disabled)")
_OFF = frozenset({"iommu=off", "intel_iommu=off", "amd_iommu=off"})
_PASSES = frozenset({"iommu=pt", "iommu.passthrough=1"})
_SYNCHRONIZED = re.compile(r"^NTPSynchronized=(yes|no)$", re.MULTILINE)
_LEAP = re.compile(r"^Leap status\s{0,20}: ([^\n]{1,40})$", re.MULTILINE)
_DEBIAN = re.compile(r"^ID(?:_LIKE)?=.{0,80}(?:debian|ubuntu)", re.MULTILINE)
_UNIT = re.compile(r"\s{0,8}(?:[●*×] )?([\w@:.\\-]{1,120}\.[a-z]{4,10})\s.{0,300}")
_MOST_UNITS = 100
_HOSTS = NotApplicable("it is the host's, seen from inside a container")


def system(evidence: Evidence) -> Picks:
    capture = evidence.capture
    return {
        "kernel_parameters": first(("proc", _parameters(capture))),
        "iommu_mode": _iommu(evidence),
        "peer_access_granted": first(("smi-p2p-r", _granted(evidence))),
        "uptime_s": first(("proc", uptime(capture))),
        "reboot_required": _reboot(evidence),
        "failed_units": _failed_units(evidence),
        "clock": _clock(capture),
        "controller_rtt_s": _round_trip(capture),
    }


def _parameters(capture: Capture) -> Fact[tuple[str, ...]]:
    line = file(capture, "proc", "/proc/cmdline")
    if isinstance(line, Missing):
        return line
    return tuple(word for word in map(words, line[:8192].split()[:128]) if word)


def _iommu(evidence: Evidence) -> Picked:
    """By the kernel's own line, else by what it was told; groups alone tell no mode."""
    if evidence.is_guest:
        return Picked(NotApplicable("the hypervisor's IOMMU translates for all its guests"))
    parameters = _parameters(evidence.capture)
    for name in ("dmesg", "journal-kernel"):
        log = text(evidence.capture, name)
        found = None if isinstance(log, Missing) else _DOMAIN.search(log)
        if found:
            return Picked(found[1].lower(), name)
        if not isinstance(log, Missing) and _NO_DOMAIN.search(log):
            return Picked("off", name)
    if not isinstance(parameters, tuple):
        return Picked(parameters)
    told = frozenset(parameters)
    if told & _OFF:
        return Picked("off", "proc")
    if told & _PASSES:
        return Picked("passthrough", "proc")
    return Picked(Missing("not-present", "neither the kernel's log nor its parameters tell it"))


def _granted(evidence: Evidence) -> Fact[bool]:
    table = evidence.p2p_read
    if isinstance(table, Missing):
        return False if _never_granted(evidence) else table
    return any(value == "OK" for _, _, value in table["pairs"])


def _never_granted(evidence: Evidence) -> bool:
    """By the catalogue: none of the products of which the host has several is granted it."""
    listing = {} if isinstance(evidence.lspci, Missing) else evidence.lspci
    ids = [device["device_id"] for device in listing.values() if is_nvidia_display(device)]
    products = [card_for(id, None) if id else None for id in ids if ids.count(id) > 1]
    return bool(ids) and all(one and one.peer_access == "no" for one in products)


def _reboot(evidence: Evidence) -> Picked:
    """The mark that Debian's and Ubuntu's packages leave; others leave none."""
    capture = evidence.capture
    if evidence.is_container:
        return Picked(_HOSTS)
    if exists(capture, "os", "/var/run/reboot-required"):
        return Picked(True, "os")
    release = file(capture, "os", "/etc/os-release")
    if isinstance(release, Missing):
        return Picked(release)
    if not _DEBIAN.search(release[:8192]):
        return Picked(Missing("not-supported", "this distribution leaves no mark"))
    return Picked(False, "os")


def _failed_units(evidence: Evidence) -> Picked:
    source = evidence.capture.sources.get("systemd-failed")
    why = failure(source)
    if source is None or why is not None:
        absent = why is not None and why.reason == "tool-absent"
        return Picked(_HOSTS if absent and evidence.is_container else why or Missing("not-present"))
    found = (_UNIT.fullmatch(line) for line in source.stdout[: 1 << 16].splitlines())
    return Picked(tuple(unit[1] for unit in found if unit)[:_MOST_UNITS], "systemd-failed")


def _clock(capture: Capture) -> Picked:
    said, offset = _synchronized(capture), capture.controller.clock_offset_s
    if isinstance(said.value, Missing) and offset is None:
        return said
    known = said.value if isinstance(said.value, bool) else None
    return Picked(Clock(known, offset), said.source)


def _synchronized(capture: Capture) -> Picked:
    readings: list[tuple[str, Fact[bool]]] = []
    for name, pattern, good in (
        ("chronyc", _LEAP, "Normal"),
        ("timedatectl", _SYNCHRONIZED, "yes"),
    ):
        said = text(capture, name)
        if isinstance(said, Missing):
            readings.append((name, said))
            continue
        found = pattern.search(said)
        readings.append((name, found[1].strip() == good if found else Missing("not-parsed", name)))
    return first(*readings)


def _round_trip(capture: Capture) -> Picked:
    seconds = capture.controller.rtt_s
    if seconds is None:
        return Picked(NotApplicable("no controller was on the other end of a connection"))
    return Picked(seconds, "controller")
