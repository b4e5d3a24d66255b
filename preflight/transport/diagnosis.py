"""Why no capture came: one line and what to do, from how the command on the host ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from preflight.capture import plain
from preflight.errors import CannotJudge, ProbeFailed, Unreachable

BY_HAND = "preflight probe -o probe.pyz writes the probe, to be run there by hand"
_SHELL = "a forced command, a restricted shell or a login script stands in the way; " + BY_HAND


@dataclass(frozen=True)
class Ending:
    """How it ended, and what it printed."""

    exit_status: int | None  # negative after a signal; None where the connection went first
    output: str
    errors: str
    refusal: str  # the probe's own word on why it did not start
    had_started: bool  # the probe itself had said something


@dataclass(frozen=True)
class Cause:
    """What the words of a shell or of Python mean."""

    words: re.Pattern[str]
    message: str
    hint: str


# Wording of bash, dash, busybox, ksh, zsh, tcsh, fish, nologin; the first that is found counts.
_CAUSES: Sequence[Cause] = tuple(
    Cause(re.compile(words, re.IGNORECASE), message, hint)
    for words, message, hint in (
        (r"exec: restricted|rbash: ", "the login shell is restricted", _SHELL),
        (
            r"python3: (?:command )?not found|command not found: python3|unknown command: python3",
            "no python3 on the PATH of a command run over SSH",
            "install python3 (3.8 or newer), or put it on the PATH of shells that are not "
            "interactive; nothing else is needed",
        ),
        (
            r"python3[^\n]{0,20}permission denied|permission denied: python3"
            r"|python3[^\n]{0,20}is not an executable",
            "python3 may not be run there",
            "look at the rights of python3 and at noexec mounts",
        ),
        (
            r"account is (?:currently )?not available|nologin",
            "the login shell refuses commands",
            "use an account with a shell",
        ),
    )
)


def diagnose(label: str, ending: Ending) -> CannotJudge:
    """The error to raise; `label` names the host."""
    if ending.exit_status is None:
        return Unreachable(
            f"{label}: the connection was lost while the probe ran",
            "the probe ends by itself within 10 s; try again",
        )
    if ending.refusal:
        return ProbeFailed(f"{label}: {ending.refusal}", BY_HAND)
    text = f"{ending.errors}\n{ending.output}"
    for cause in _CAUSES if not ending.had_started else ():
        if found := cause.words.search(text):
            said = _line_at(text, found.start())
            return ProbeFailed(f"{label}: {cause.message}: {said}", cause.hint)
    said = _last_line(ending.errors) or _last_line(ending.output) or "nothing"
    how = "a signal" if ending.exit_status < 0 else str(ending.exit_status)
    if ending.had_started:
        return ProbeFailed(f"{label}: the probe broke off with {how} and said: {said}", BY_HAND)
    return ProbeFailed(
        f"{label}: no capture came; the host's command ended with {how} and said: {said}", _SHELL
    )


def _line_at(text: str, place: int) -> str:
    start = text.rfind("\n", 0, place) + 1
    return plain(text[start:].partition("\n")[0]).strip()[:200]


def _last_line(text: str) -> str:
    lines = [plain(line).strip() for line in text.splitlines()]
    return next((line[:200] for line in reversed(lines) if line), "")
