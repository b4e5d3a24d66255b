"""What a network card and the port at its other end could carry together, by ethtool.

Supported link modes:   1000baseT/Full
                        10000baseT/Full
Link partner advertised link modes:  1000baseT/Full
Speed: 1000Mb/s
"""

from __future__ import annotations

import re

_HEADING = re.compile(r"\s{0,8}([A-Z][A-Za-z -]{2,60}):(.{0,400})")
_MODE = re.compile(r"\b(\d{2,7})base\S{0,20}/Full")
_MOST_LINES = 512


def able_mbit_s(text: str) -> int | None:
    """The fastest speed that both ends offer; None where the other end's is not told.

    What the card alone could is no measure: a card of 10 Gb/s on a switch of 1 Gb/s is in order.
    """
    modes: dict[str, set[int]] = {}
    heading = ""
    for line in text[: 64 << 10].splitlines()[:_MOST_LINES]:
        found = _HEADING.fullmatch(line)
        heading, rest = (found[1], found[2]) if found else (heading, line[:400])
        modes.setdefault(heading, set()).update(map(int, _MODE.findall(rest)))
    own = modes.get("Advertised link modes") or modes.get("Supported link modes") or set()
    return max(own & modes.get("Link partner advertised link modes", set()), default=None)
