"""PCI devices with their links, BARs, access control and error bits: `lspci -vvv`.

Also with -D, -n, -nn and -x, which the probe adds. Seen with pciutils 3.5 to 3.13:

    41:00.0 VGA compatible controller: NVIDIA Corporation AD102 [GeForce RTX 4090] (rev a1)
        Subsystem: Micro-Star International Co., Ltd. [MSI] Device 5104
        Region 1: Memory at 28040000000 (64-bit, prefetchable) [size=256M]
                LnkCap:	Port #0, Speed 16GT/s, Width x16, ASPM L1, Exit Latency L1 <4us
                LnkSta:	Speed 2.5GT/s (downgraded), Width x16 (ok)

Who is not root gets `Capabilities: <access denied>`, so no link.
"""

from __future__ import annotations

import re
from typing import Any

from preflight.errors import NotThisKind
from preflight.parsers import lspci_config, pci_address
from preflight.parsers.lspci_capability import (
    access_control,
    bus_below,
    error_bits,
    link_side,
    max_payload,
    numa_node,
    port_type,
)
from preflight.parsers.recording import table_lines

KIND = "lspci"
EXPECTED = "the output of lspci -vvv"

Json = dict[str, Any]

_ADDRESS = re.compile(r"\s*((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])\s+(\S.*)$", re.I)
_CLASS = re.compile(r"(.{1,80}?)(?: \[([0-9a-f]{4})\])?: (.*)$", re.I)
_CLASS_NUMBER = re.compile(r"(?:Class )?([0-9a-f]{4})$", re.I)
_IDS = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})$", re.I)
_SUFFIX = re.compile(r" \((?:rev ([0-9a-f]{2})|prog-if [^()]{1,80})\)$", re.I)
_NAMELESS = re.compile(r" Device ([0-9a-f]{4})$")
_NAME_ID = re.compile(r" \[([0-9a-f]{4}):([0-9a-f]{4})\]$", re.I)
_REGION = re.compile(
    r"(?:Region (\d): )?Memory at (?:([0-9a-f]{1,16})|<[^>]{1,20}>) \(.{1,60}?\)", re.I
)
_SIZE = re.compile(r"\[size=(\d{1,12})([KMGTP]?)\]")
_REBAR = re.compile(r"BAR (\d): current size: (\d{1,12})([KMGTP]?)B")
_OFFERED = re.compile(
    r"BAR (\d): current size: \d{1,12}[KMGTP]?B, supported:((?: \d{1,12}[KMGTP]?B){1,40})"
)
_ONE_SIZE = re.compile(r"(\d{1,12})([KMGTP]?)B")
_MIB = {"": 1 / (1 << 20), "K": 1 / 1024, "M": 1, "G": 1 << 10, "T": 1 << 20, "P": 1 << 30}


def parse(text: str) -> Json:
    """Every device, in order; `downgraded` compares speed and width with the capability."""
    lines = table_lines(text)
    starts = [(i, match) for i, line in enumerate(lines) if (match := _ADDRESS.match(line))]
    heads = [(i, match[1], parts) for i, match in starts if (parts := _CLASS.match(match[2]))]
    if not heads or (starts[-1][0] == len(lines) - 1 and _is_cut(lines[heads[0][0] :])):
        raise NotThisKind(EXPECTED)
    ends = [i for i, _, _ in heads[1:]] + [len(lines)]
    return {
        "devices": [
            _device(address, parts, [line.strip() for line in lines[i + 1 : end]])
            for (i, address, parts), end in zip(heads, ends, strict=True)
        ]
    }


def _is_cut(lines: list[str]) -> bool:
    """The text ends in the first line of a device, which is half of it or lacks its body.

    Such a device would be missing, or be one without a link; in a plain list none has a body.
    """
    has_bodies = any(line.strip() and not _ADDRESS.match(line) for line in lines)
    last = _ADDRESS.match(lines[-1])
    return has_bodies or last is None or _CLASS.match(last[2]) is None


def _device(address: str, head: re.Match[str], body: list[str]) -> Json:
    class_name, class_number, rest = head.groups()
    name, revision = _name(rest)
    config = lspci_config.decode(body)
    numeric = _CLASS_NUMBER.match(class_name)
    ids = _NAME_ID.search(name) or (_IDS.match(name) if numeric else None)
    lost = revision == "ff" or any("Unknown header type 7f" in line for line in body)
    link = None if lost else _link(body) or config.get("link")
    return {
        "pci": pci_address.normal(address),
        "name": _plain_name(name, ids),
        "link": link,
        "downgraded": _is_downgraded(link) if link else None,
        "class": (class_number or (numeric[1] if numeric else "")).lower() or config.get("class"),
        "class_name": class_name,
        "vendor_id": ids[1].lower() if ids else config.get("vendor_id"),
        "device_id": ids[2].lower() if ids else config.get("device_id") or _nameless(name),
        "subsystem_id": _subsystem(body) or config.get("subsystem_id"),
        "revision": revision,
        "lost": lost,
        "port_type": port_type(body),
        "acs": access_control(body),
        "aer": error_bits(body),
        "bars": _bars(body),
        "bar_sizes_mib": _offered_sizes(body),
        "bus_below": bus_below(body) or config.get("bus_below"),
        "numa_node": numa_node(body),
        "max_payload_bytes": max_payload(body) or config.get("max_payload_bytes"),
        "access_denied": any("<access denied>" in line for line in body),
    }


def _name(text: str) -> tuple[str, str | None]:
    """The name without what stands behind it in parentheses, and the revision."""
    revision = None
    while (suffix := _SUFFIX.search(text)) is not None:
        revision = suffix[1].lower() if suffix[1] else revision
        text = text[: suffix.start()]
    return text.strip(), revision


def _nameless(name: str) -> str | None:
    """A device without a name is called by its id, "NVIDIA Corporation Device 2330"."""
    found = _NAMELESS.search(name)
    return found[1] if found else None


def _plain_name(name: str, ids: re.Match[str] | None) -> str:
    """The name without its numbers, unless "Device" is all that lspci knew of it."""
    plain = _NAME_ID.sub("", name)
    return f"{plain} {ids[2].lower()}" if ids and plain.endswith("Device") else plain


def _subsystem(body: list[str]) -> str | None:
    for line in body:
        if line.startswith("Subsystem:"):
            ids = re.search(r"(?:\[|^Subsystem:\s{1,8})([0-9a-f]{4}:[0-9a-f]{4})\]?$", line, re.I)
            return ids[1].lower() if ids else None
    return None


def _link(body: list[str]) -> Json | None:
    capable, current = link_side(body, "LnkCap"), link_side(body, "LnkSta")
    if capable is None and current is None:
        return None
    unknown = {"gen": None, "width": None}
    return {"capable": capable or unknown, "current": current or unknown}


def _is_downgraded(link: Json) -> bool | None:
    sides = [(link["current"][key], link["capable"][key]) for key in ("gen", "width")]
    known = [now < could for now, could in sides if now is not None and could is not None]
    return True if any(known) else False if len(known) == 2 else None


def _bars(body: list[str]) -> list[Json]:
    """Memory regions; of one that is not listed, the current size of a resizable BAR.

    Below the capabilities stand those of virtual functions, which are none of the card's own.
    """
    first = next((i for i, x in enumerate(body) if x.startswith("Capabilities:")), len(body))
    bars: list[Json] = []
    for line in body[:first]:
        region, size = _REGION.match(line), _SIZE.search(line)
        if region:
            bars.append(
                {
                    "index": int(region[1]) if region[1] else None,
                    "size_mib": int(size[1]) * _MIB[size[2]] if size else None,
                    "address": region[2],
                    "listed": True,
                }
            )
    start = next((i for i, x in enumerate(body) if "Physical Resizable BAR" in x), len(body))
    for line in body[start + 1 :]:
        current = _REBAR.match(line)
        if current is None:
            break
        index, size_mib = int(current[1]), int(current[2]) * _MIB[current[3]]
        if not any(bar["index"] in (index, None) for bar in bars):
            bars.append({"index": index, "size_mib": size_mib, "address": None, "listed": False})
    return bars


def _offered_sizes(body: list[str]) -> Json | None:
    """What a resizable BAR may be set to, by its number; None where none is resizable."""
    offers = (_OFFERED.match(line) for line in body)
    found = {
        offer[1]: [int(size) * _MIB[unit] for size, unit in _ONE_SIZE.findall(offer[2])]
        for offer in offers
        if offer
    }
    return found or None
