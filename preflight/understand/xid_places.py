"""Where on a card programs were stopped: a place that stops one after another is worn out.

NVRM: Xid (PCI:0000:cb:00): 13, pid=1, Graphics SM Warp Exception on (GPC 7, TPC 7, SM 0): …
NVRM: Xid (PCI:0000:3b:00): 31, pid=2, … MMU Fault: ENGINE GRAPHICS GPC1 GPCCLIENT_T1_3 …
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from preflight.understand.sources import Json

_PLACES = (
    re.compile(r"\(GPC (\d{1,3}), TPC (\d{1,3})\b"),
    re.compile(r"\bENGINE GRAPHICS GPC(\d{1,3}) GPCCLIENT_T1_(\d{1,3})\b"),
)
_PROGRAM = re.compile(r"\bpid='?(\d{1,10})\b")


def places(events: Iterable[Json]) -> Mapping[str, int]:
    """Place -> how many programs it stopped; one that is not named is told by the line's stamp."""
    stopped: dict[str, set[str]] = {}
    for event in events:
        line = str(event.get("message") or "")[:400]
        found = next((match for place in _PLACES if (match := place.search(line))), None)
        if found:
            program = _PROGRAM.search(line)
            who = program[1] if program else f"at {event.get('stamp')}"
            stopped.setdefault(f"GPC {int(found[1])}, TPC {int(found[2])}", set()).add(who)
    return {place: len(programs) for place, programs in stopped.items()}
