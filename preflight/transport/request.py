"""What is asked of a host: the one thing that all transports share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

Ask = Callable[[str], str]  # a question to the person at the terminal -> the answer, not echoed

Close = Callable[[], None]
OpenConnections = Callable[[Close], None]  # told how to close what was opened, from any thread

# The probe's own limits, 120 s for its upload and 60 s for level look, and 20 s for a slow link.
TIME_LIMIT_S = {"look": 200.0}


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

    @property
    def time_limit_s(self) -> float:
        """How long the host may take from the first byte sent to the last one read."""
        return TIME_LIMIT_S[self.level]

    def argv(self, nonce: str) -> list[str]:
        """The probe's arguments; never a password."""
        words = ["--level", str(self.level), "--stream", nonce]
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
    """The probe's own word on how far it is: the source that has just ended."""

    name: str
    done: int
    of: int


class Progress(Protocol):
    """Told how far each host is, never by two threads at once."""

    def __call__(self, host: str, step: Step, /) -> None:
        """A source of this host has ended."""

    def done(self, host: str, words: str, /) -> None:
        """The host is finished, well or not."""
