"""PCI addresses in one form: `dddd:bb:dd.f`, small letters, whatever the tool printed."""

from __future__ import annotations

import re

PATTERN = r"(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}(?:\.[0-7])?"
_ADDRESS = re.compile(
    r"(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})(?:\.([0-7]))?(?![0-9a-fA-F:])"
)


def normal(text: str) -> str | None:
    """The address at the start of the text; domain 0000 and function 0 where none is printed."""
    match = _ADDRESS.match(text)
    if match is None:
        return None
    domain, bus, device, function = match.groups()
    return f"{int(domain or '0', 16):04x}:{bus}:{device}.{function or '0'}".lower()
