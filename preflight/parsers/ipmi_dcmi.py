"""What a server draws, by its BMC: `ipmitool dcmi power reading`.

Instantaneous power reading:                   167 Watts
Minimum during sampling period:                124 Watts
Maximum during sampling period:                422 Watts
Average power reading over sample period:      156 Watts
IPMI timestamp:                           Mon Aug  1 21:22:51 2016
Sampling period:                          00699043 Seconds.
Power reading state is:                   activated
"""

from __future__ import annotations

import re
from typing import Any

from preflight.errors import NotThisKind
from preflight.parsers.ipmi_cells import record
from preflight.parsers.recording import table_lines

KIND = "ipmi-dcmi"
EXPECTED = "the output of ipmitool dcmi power reading"

_READING = re.compile(
    r"\s{0,40}((?:Instantaneous|Minimum|Maximum|Average) [a-z ]{1,60}):"
    r"\s{0,80}(\d{1,9}) Watts\s{0,40}"
)
_STATE = re.compile(r"\s{0,40}Power reading state is:\s{0,80}(activated|deactivated)\s{0,40}")


def parse(text: str) -> dict[str, Any]:
    """Four sensors of power; 0 W is no reading where the BMC says that it does not measure."""
    lines = table_lines(text)
    readings = [reading for reading in map(_READING.fullmatch, lines) if reading]
    states = [state[1] for state in map(_STATE.fullmatch, lines) if state]
    if not readings or not states:  # the state is the last line: without it the text is cut
        raise NotThisKind(EXPECTED)
    return {"sensors": [_sensor(name, int(watts), states[0]) for name, watts in _told(readings)]}


def _told(readings: list[re.Match[str]]) -> list[tuple[str, str]]:
    return [(reading[1], reading[2]) for reading in readings]


def _sensor(name: str, watts: int, state: str) -> dict[str, Any]:
    value = None if watts == 0 and state == "deactivated" else float(watts)
    return record(name, "power", value, "Watts", None, state)
