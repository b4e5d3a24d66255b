"""What is asked of a host: the one thing that all transports share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from preflight.errors import UsageError

Ask = Callable[[str], str]  # a question to the person at the terminal -> the answer, not echoed

Close = Callable[[], None]
OpenConnections = Callable[[Close], None]  # told how to close what was opened, from any thread

# The probe's own limits, 120 s for its upload and those of probe/sources.py for each level, and
# 20 s for a slow link.
TIME_LIMIT_S = {"look": 200.0, "measure": 500.0}
_BESIDE_S = 240.0  # of a run whose measuring has a limit of its own: upload, reading, and the link
_DURATION = re.compile(r"(\d{1,6})(s|m|h|)")
_UNIT_S = {"": 1, "s": 1, "m": 60, "h": 3600}
_DAY_S = 86_400


def duration_s(text: str) -> int:
    """Seconds of "90", "90s", "10m" or "1h"; UsageError for anything else, nothing, and a day."""
    match = _DURATION.fullmatch(text.strip())
    seconds = int(match[1]) * _UNIT_S[match[2]] if match else 0
    if not 0 < seconds < _DAY_S:
        raise UsageError(f"not a length of time: {text!r:.40}", "such as 90s, 10m or 1h")
    return seconds


@dataclass(frozen=True)
class Request:
    """How to get in, and what the probe is told.

    `ask` is None where there is no terminal: then no passphrase and no password is asked for.
    """

    level: str = "look"
    sudo: bool = False  # let privileged sources go through `sudo -n`
    sudo_password: str | None = field(default=None, repr=False)
    accept_new_host_key: bool = False
    ask: Ask | None = field(default=None, repr=False)
    within_s: int | None = None  # fit the measuring into this time
    while_in_use: bool = False  # measure cards that others compute on
    disk_write: bool = False  # a temporary file may be written, to be read

    @property
    def time_limit_s(self) -> float:
        """How long the host may take from the first byte sent to the last one read."""
        if self.within_s is not None:
            return _BESIDE_S + self.within_s
        return TIME_LIMIT_S[self.level]

    def argv(self, nonce: str) -> list[str]:
        """The probe's arguments; never a password."""
        words = ["--level", str(self.level), "--stream", nonce]
        if self.within_s is not None:
            words += ["--within", str(self.within_s)]
        words += ["--while-in-use"] if self.while_in_use else []
        words += ["--disk-write"] if self.disk_write else []
        if self.sudo:
            words.append("--sudo")
        if self.sudo and self.sudo_password is not None:
            words.append("--sudo-password-stdin")
        return words

    @property
    def input(self) -> bytes:
        """What follows the probe's bytes on its input."""
        if not self.sudo or self.sudo_password is None:
            return b""
        return self.sudo_password.encode() + b"\n"


@dataclass(frozen=True)
class Step:
    """The probe's own word on how far it is: the source or measurement that has just ended.

    `left_s` is told of measurements alone. A step with `notice` is none: its words are for the
    person, before the first load of a host that others use.
    """

    name: str
    done: int
    of: int
    left_s: float | None = None
    card: str = ""
    notice: str = ""


class Progress(Protocol):
    """Told how far each host is, never by two threads at once."""

    def __call__(self, host: str, step: Step, /) -> None:
        """A source of this host has ended."""

    def done(self, host: str, words: str, /) -> None:
        """The host is finished, well or not."""
