"""PCI Express capabilities as lspci -vvv prints them: link, port type, ACS, AER.

Flags are words that end in + or -: "SrcValid+ TransBlk-".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

GENERATIONS = {"2.5": 1, "5": 2, "8": 3, "16": 4, "32": 5, "64": 6}  # GT/s

_SPEED = re.compile(r"Speed (\d{1,2}(?:\.\d)?)GT/s")
_WIDTH = re.compile(r"Width x(\d{1,2})\b")
_FLAG = re.compile(r"([A-Za-z]\w{0,30})([+-])(?=\s|$)")
_EXPRESS = re.compile(r"Capabilities: \[\w{2,4}(?: v\d)?\] Express (?:\(v\d\) )?(.{4,60})")
_PORTS = {
    "Root Port": "root-port",
    "Downstream Port": "downstream",
    "Upstream Port": "upstream",
    "Endpoint": "endpoint",
    "Legacy Endpoint": "endpoint",
    "Root Complex Integrated Endpoint": "endpoint",
}
_ACS = {
    "src_valid": "SrcValid",
    "req_redir": "ReqRedir",
    "cmplt_redir": "CmpltRedir",
    "upstream_fwd": "UpstreamFwd",
    "egress_ctrl": "EgressCtrl",
    "direct_trans": "DirectTrans",
}
_BUS = re.compile(r"Bus: primary=[0-9a-f]{2}, secondary=([0-9a-f]{2}), subordinate=")
_NODE = re.compile(r"(?:NUMA node: |Flags: .{0,200}, NUMA node )(\d{1,4})(?:,|$)")
_PAYLOAD = re.compile(r"(?:DevC(?:ap|tl): {0,4})?.{0,80}?MaxPayload (\d{2,4}) bytes")


def link_side(body: Sequence[str], register: str) -> dict[str, int | None] | None:
    """Generation and lanes of LnkCap or LnkSta; None where the line is not there or is cut."""
    line = _line(body, register)
    if line is None:
        return None
    speed, width = _SPEED.search(line), _WIDTH.search(line)
    return {
        "gen": GENERATIONS.get(speed[1]) if speed else None,
        "width": int(width[1]) if width else None,
    }


def port_type(body: Sequence[str]) -> str | None:
    for line in body:
        express = _EXPRESS.match(line)
        if express:
            return next(
                (port for words, port in _PORTS.items() if express[1].startswith(words)), None
            )
    return None


def access_control(body: Sequence[str]) -> dict[str, bool | None] | None:
    flags = _flags(_line(body, "ACSCtl"))
    return {key: flags.get(word) for key, word in _ACS.items()} if flags else None


def error_bits(body: Sequence[str]) -> dict[str, Any] | None:
    """Status bits that are set; `fatal` are those of `uncorrected` that this port calls fatal."""
    corrected, uncorrected = _flags(_line(body, "CESta")), _flags(_line(body, "UESta"))
    if not corrected and not uncorrected:
        return None
    severe = _flags(_line(body, "UESvrt"))
    return {
        "corrected": [bit for bit, is_set in corrected.items() if is_set],
        "uncorrected": [bit for bit, is_set in uncorrected.items() if is_set],
        "fatal": [bit for bit, is_set in uncorrected.items() if is_set and severe.get(bit)],
    }


def bus_below(body: Sequence[str]) -> int | None:
    """The number of the bus right below a bridge."""
    found = next((match for line in body if (match := _BUS.match(line))), None)
    return int(found[1], 16) if found else None


def numa_node(body: Sequence[str]) -> int | None:
    """None where the firmware does not tell it: lspci leaves out -1."""
    found = next((match for line in body if (match := _NODE.match(line))), None)
    return int(found[1]) if found else None


def max_payload(body: Sequence[str]) -> dict[str, int] | None:
    """What the device can and what it is set to: DevCap comes first, then DevCtl."""
    found = [int(match[1]) for line in body if (match := _PAYLOAD.match(line))]
    return {"able": found[0], "used": found[1]} if len(found) == 2 else None


def _line(body: Sequence[str], register: str) -> str | None:
    """The register's line, unless the text ends in it: then it may be cut ("Width x1" of x16)."""
    index = next((i for i, line in enumerate(body) if line.startswith(f"{register}:")), None)
    return None if index is None or index == len(body) - 1 else body[index]


def _flags(line: str | None) -> dict[str, bool]:
    return {word: sign == "+" for word, sign in _FLAG.findall(line)} if line else {}
