"""The machine around the cards: processor, memory, board, system, and what it is inside of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from preflight.capture import Capture
from preflight.facts import Fact, Missing
from preflight.understand import reported
from preflight.understand.boot import booted, told
from preflight.understand.evidence import Evidence
from preflight.understand.picking import Picks, converted, first, whole, words
from preflight.understand.sources import by_name, file, files, text

_KERNEL = re.compile(r"Linux version (\S{1,100})")
_MEMORY = re.compile(r"^MemTotal:\s{1,20}(\d{1,15}) kB", re.MULTILINE)
_PRETTY = re.compile(r"""^PRETTY_NAME=["']?([^"'\n]{1,120})""", re.MULTILINE)


def machine(evidence: Evidence) -> Picks:
    capture, around = evidence.capture, evidence.surroundings
    return {
        "memory_total_mib": first(
            ("proc", _found(capture, "proc", "/proc/meminfo", _MEMORY, _mib))
        ),
        "cpu_model": first(
            ("lscpu", _lscpu(capture, "Model name")), ("bug-report", reported.cpu_model(capture))
        ),
        "cpu_count": first(
            ("lscpu", converted(_lscpu(capture, "CPU(s)"), whole)),
            ("bug-report", reported.cpu_count(capture)),
        ),
        "board": first(("dmi", _board(capture)), ("dmidecode", reported.board(capture))),
        "os_name": first(
            ("os", _found(capture, "os", "/etc/os-release", _PRETTY, words)),
            ("bug-report", reported.os_name(capture)),
        ),
        "kernel_release": first(("proc", _found(capture, "proc", "/proc/version", _KERNEL, words))),
        "boot_time": first(("proc", converted(booted(capture), told))),
        "virtualization": around.virtualization,
        "is_guest": around.is_guest,
        "is_container": around.is_container,
        "user": first(("probe", words(capture.probe.user) or Missing("not-collected"))),
    }


def _found(
    capture: Capture,
    source: str,
    path: str,
    pattern: re.Pattern[str],
    convert: Callable[[Any], Any],
) -> Fact[Any]:
    content = file(capture, source, path)
    if isinstance(content, Missing):
        return content
    match = pattern.search(content)
    return converted(match.group(1), convert) if match else Missing("not-parsed", path)


def _lscpu(capture: Capture, heading: str) -> Fact[str]:
    listing = text(capture, "lscpu")
    if isinstance(listing, Missing):
        return listing
    for line in listing[:65536].splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() == heading:
            return words(value) or Missing("not-parsed", f"lscpu: {heading}")
    return Missing("not-present", f"lscpu: {heading}")


def _board(capture: Capture) -> Fact[str]:
    """Maker and board ("ASUSTeK COMPUTER INC. Pro WS WRX80E-SAGE"), else the whole system."""
    dmi = by_name(files(capture, "dmi"))
    if isinstance(dmi, Missing):
        return dmi
    for maker, product in (("board_vendor", "board_name"), ("sys_vendor", "product_name")):
        named = words(dmi.get(product))
        if named:
            return words(f"{dmi.get(maker, '')} {named}") or named
    return Missing("not-present", "DMI names no board")


def _mib(kib: object) -> int | None:
    size = whole(kib)
    return None if size is None else size >> 10
