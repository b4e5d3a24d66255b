"""What the bytes of `lspci -x` tell where its text does not: numbers, and the link.

nvidia-bug-report of drivers before 525 holds `lspci -v -xxx`, which names no link in words.
Layout: PCI Local Bus 3.0, 6.1; PCI-to-PCI Bridge 1.2, 3.2 (bus below at 19h); PCI Express Base
5.0, 7.5.3 (capability id 10h: device capabilities at 04h and control at 08h, whose payload is
128 bytes doubled so many times; link capabilities at 0Ch, link status at 12h).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_HEX = re.compile(r"([0-9a-f]{2,3}): ((?:[0-9a-f]{2} ){15}[0-9a-f]{2})$")
_EXPRESS = 0x10


def decode(body: Sequence[str]) -> dict[str, Any]:
    """Empty where no bytes are printed, or where the device no longer answers (all ones)."""
    config = _bytes(body)
    if len(config) < 64 or config[:4] == b"\xff\xff\xff\xff":
        return {}
    facts: dict[str, Any] = {
        "vendor_id": _word(config, 0x00),
        "device_id": _word(config, 0x02),
        "class": f"{config[0x0B]:02x}{config[0x0A]:02x}",
    }
    if config[0x0E] & 0x7F == 0:  # an ordinary device, no bridge
        facts["subsystem_id"] = f"{_word(config, 0x2C)}:{_word(config, 0x2E)}"
    elif config[0x0E] & 0x7F == 1:
        facts["bus_below"] = config[0x19]
    at = _express(config)
    return facts if at is None else facts | _link_and_payload(config, at)


def _link_and_payload(config: bytes, at: int) -> dict[str, Any]:
    capable, status = config[at + 0x0C : at + 0x0E], config[at + 0x12 : at + 0x14]
    payload = {"able": 128 << (config[at + 4] & 7), "used": 128 << (config[at + 8] >> 5 & 7)}
    link = {"capable": _side(capable), "current": _side(status)}
    return {"link": link, "max_payload_bytes": payload}


def _express(config: bytes) -> int | None:
    """Where the PCI Express capability begins."""
    at = config[0x34] & 0xFC
    for _ in range(48):  # a list that bites its tail ends too
        if at < 0x40 or at + 0x14 > len(config):
            return None
        if config[at] == _EXPRESS:
            return at
        at = config[at + 1] & 0xFC
    return None


def _side(register: bytes) -> dict[str, int | None]:
    value = int.from_bytes(register, "little")
    return {"gen": value & 0xF or None, "width": value >> 4 & 0x3F}


def _word(config: bytes, at: int) -> str:
    return f"{int.from_bytes(config[at : at + 2], 'little'):04x}"


def _bytes(body: Sequence[str]) -> bytes:
    """The bytes from address 0 on, as far as they are printed without a gap."""
    config = b""
    for line in body:
        match = _HEX.match(line)
        if match and int(match[1], 16) == len(config):
            config += bytes.fromhex(match[2])
    return config
