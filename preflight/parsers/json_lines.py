"""Logs of which each line is a JSON object: what containers, collectors and JSON loggers write.

{"log":"INFO 05-01 10:00:00 [gpu_worker.py:436] …\\n","stream":"stderr","time":"…"}
{"timestamp": "…", "level": "INFO", "logger": "vllm.v1.worker", "message": "…"}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

_WORDS = ("message", "msg", "log", "MESSAGE", "line", "text")
_LEVELS = ("level", "levelname", "severity", "lvl")
_QUIET = ("DEBUG", "INFO", "WARNING")  # which are no errors, whatever they quote
_LEAST = 0.5  # of the lines; a program's own plain words stand between them


def unwrapped(text: str) -> str:
    """The words of such a log, a message a line; any other text as it is."""
    lines = [line for line in text.split("\n") if line.strip()]
    if 2 * sum(line.lstrip().startswith("{") for line in lines) < len(lines) or not lines:
        return text
    told = [_told(line) for line in lines]
    if sum(one is not None for one in told) < _LEAST * len(lines):
        return text
    return "\n".join(line if one is None else one for line, one in zip(lines, told, strict=True))


def _told(line: str) -> str | None:
    """What one line says; None where it is no such object."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        found: Any = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    words = next((found[key] for key in _WORDS if isinstance(found.get(key), str)), None)
    return None if words is None else _level(found) + words.rstrip("\n")


def _level(found: Mapping[str, Any]) -> str:
    level = next((found[key] for key in _LEVELS if isinstance(found.get(key), str)), "")
    quiet = "WARNING" if level.upper() == "WARN" else level.upper()
    return f"{quiet}: " if quiet in _QUIET else ""
