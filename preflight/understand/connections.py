"""The ways out of the host, and the ports on which something listens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.capture import Capture
from preflight.facts import Missing
from preflight.understand.evidence import Evidence
from preflight.understand.picking import Picked, Picks, words
from preflight.understand.sources import file, text

_ROUTE = re.compile(r"(\S{1,40})\s+0{8}\s+([0-9A-F]{8})\s+\S+\s+\S+\s+\S+\s+\S+\s+0{8}\b.{0,200}")
_ROUTE6 = re.compile(r"0{32} 00 0{32} 00 ([0-9a-f]{32}) .{0,120}?(\S{1,40})\s*")
_LISTENS = re.compile(r"LISTEN\s+\d{1,9}\s+\d{1,9}\s+\S{1,120}:(\d{1,5})\s+\S{1,120}(.{0,600})")
_GROUP = re.compile(r"\bcgroup:(/\S{0,500})")
_SOCKET = re.compile(r"\s{0,8}\d{1,9}: [0-9A-F]{8,32}:([0-9A-F]{4}) [0-9A-F:]{13,40} 0A .{0,300}")
_MOST = 4096


def connections(evidence: Evidence) -> Picks:
    capture = evidence.capture
    return {"default_routes": _routes(capture), "listening": _listening(capture)}


def _routes(capture: Capture) -> Picked:
    """A host without IPv6 has no file of its routes."""
    told = file(capture, "proc", "/proc/net/route")
    told6 = file(capture, "proc", "/proc/net/ipv6_route")
    if isinstance(told, Missing):
        return Picked(told)
    found = [f"{m[1]} by {_dotted(m[2])}" for m in _matches(_ROUTE, told)]
    if isinstance(told6, str):
        found += [f"{m[2]} by IPv6" for m in _matches(_ROUTE6, told6) if m[2] != "lo"]
    return Picked(tuple(dict.fromkeys(word for one in found if (word := words(one)))), "proc")


def _dotted(digits: str) -> str:
    """The kernel prints the bytes of an address in the processor's order."""
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(digits)))


def _listening(capture: Capture) -> Picked:
    """By ss, which names the control group; an older one cannot, and the kernel's tables do not."""
    said = text(capture, "listening")
    if isinstance(said, str):
        by_ss = {int(m[1]): _group(m[2]) for m in _matches(_LISTENS, said)}
        return Picked(by_ss, "listening")
    ports: dict[int, str] = {}
    first = file(capture, "proc", "/proc/net/tcp")
    if isinstance(first, Missing):
        return Picked(first if first.reason != "not-present" else said)
    for table in (first, file(capture, "proc", "/proc/net/tcp6")):
        if isinstance(table, str):
            ports.update((int(m[1], 16), "") for m in _matches(_SOCKET, table))
    return Picked(ports, "proc")


def _group(rest: str) -> str:
    found = _GROUP.search(rest)
    return (words(found[1]) or "") if found else ""


def _matches(pattern: re.Pattern[str], told: str) -> Iterator[re.Match[str]]:
    for line in told[: 256 << 10].splitlines()[:_MOST]:
        if match := pattern.fullmatch(line[:1024].rstrip()):
            yield match
