"""What a bug report tells of the host in files that the probe has better sources for."""

from __future__ import annotations

import re

from preflight.capture import Capture
from preflight.facts import Fact, Missing
from preflight.understand.picking import converted, words
from preflight.understand.sources import file, text

_PRETTY = re.compile(
    r"""^(?:PRETTY_NAME|DISTRIB_DESCRIPTION)=["']?([^"'\n]{1,120})""", re.MULTILINE
)
_ESCAPED = re.compile(r"\\[a-zA-Z]")  # of agetty: "Ubuntu 22.04.3 LTS \n \l"
_RELEASES = ("/etc/os-release", "/etc/lsb-release")
_ISSUES = ("/etc/redhat-release", "/etc/issue")
_BOARD = re.compile(r"^Base Board Information\n((?:\s[^\n]{0,200}\n){0,40})", re.MULTILINE)
_MAKER = re.compile(r"^\s{1,8}Manufacturer: ([^\n]{1,80})$", re.MULTILINE)
_PRODUCT = re.compile(r"^\s{1,8}Product Name: ([^\n]{1,80})$", re.MULTILINE)
_ONLINE = "/sys/devices/system/node/online"
_RANGE = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")


def cpu_model(capture: Capture) -> Fact[str]:
    return _of_processors(capture, "model name")


def cpu_count(capture: Capture) -> Fact[int]:
    processors = _processors(capture)
    return processors if isinstance(processors, Missing) else len(processors)


def cpu_sockets(capture: Capture) -> Fact[int]:
    processors = _processors(capture)
    if isinstance(processors, Missing):
        return processors
    return len({one.get("physical id", "0") for one in processors})


def cpu_cores(capture: Capture) -> Fact[int]:
    """Of all sockets together; a guest's processors may tell none."""
    processors = _processors(capture)
    if isinstance(processors, Missing):
        return processors
    if any("core id" not in one for one in processors):
        return Missing("not-present", "/proc/cpuinfo: core id")
    return len({(one.get("physical id", "0"), one["core id"]) for one in processors})


def numa_nodes(capture: Capture) -> Fact[int]:
    """How many memory nodes are online: "0-1" is two."""
    return converted(file(capture, "bug-report", _ONLINE), _length)


def os_name(capture: Capture) -> Fact[str]:
    for path in _RELEASES:
        content = file(capture, "bug-report", path)
        match = None if isinstance(content, Missing) else _PRETTY.search(content)
        if match:
            return words(match[1]) or Missing("not-parsed", path)
    for path in _ISSUES:
        content = file(capture, "bug-report", path)
        if not isinstance(content, Missing):
            return words(_ESCAPED.sub("", content[:400])) or Missing("not-parsed", path)
    return file(capture, "bug-report", _RELEASES[0])


def board(capture: Capture) -> Fact[str]:
    listing = text(capture, "dmidecode")
    if isinstance(listing, Missing):
        return listing
    block = _BOARD.search(listing[: 1 << 20])
    product = _PRODUCT.search(block[1]) if block else None
    maker = _MAKER.search(block[1]) if block else None
    told = words(f"{maker[1] if maker else ''} {product[1]}") if product else None
    return told or Missing("not-present", "dmidecode names no board")


def unit_runs(capture: Capture, unit: str) -> bool:
    """systemctl status marks each unit's begin with its name, and its state with "Active:"."""
    shown = text(capture, "systemctl-nvidia")
    block = "" if isinstance(shown, Missing) else shown.partition(f"{unit} - ")[2]
    state = re.search(r"^\s{1,12}Active: (\w{1,20})", block[:4096], re.MULTILINE)
    return state is not None and state[1] == "active"


def _processors(capture: Capture) -> list[dict[str, str]] | Missing:
    listing = file(capture, "bug-report", "/proc/cpuinfo")
    if isinstance(listing, Missing):
        return listing
    blocks = [_fields(block) for block in listing.split("\n\n")]
    found = [block for block in blocks if "processor" in block]
    return found or Missing("not-parsed", "/proc/cpuinfo")


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines())
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def _of_processors(capture: Capture, name: str) -> Fact[str]:
    processors = _processors(capture)
    if isinstance(processors, Missing):
        return processors
    return words(processors[0].get(name)) or Missing("not-present", f"/proc/cpuinfo: {name}")


def _length(ranges: object) -> int | None:
    found = [_RANGE.fullmatch(part.strip()) for part in str(ranges)[:400].split(",")]
    if None in found or not found:
        return None
    return sum(int(one[2] or one[1]) - int(one[1]) + 1 for one in found if one)
