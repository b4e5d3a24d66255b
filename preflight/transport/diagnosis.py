"""Why no capture came: one line and what to do, from how the command on the host ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from preflight.capture import plain
from preflight.errors import CannotJudge, ProbeFailed, Unreachable

_BY_HAND = "preflight probe -o probe.pyz writes the probe, to be run there by hand"
_SHELL = "a forced command, a restricted shell or a login script stands in the way; " + _BY_HAND


@dataclass(frozen=True)
class Ending:
    """How it ended: exit status (None: the connection went first), and what it printed."""

    exit_status: int | None
    output: str
    errors: str
    refusal: str  # the probe's own word on why it did not start
    had_begun: bool  # the capture was cut off


@dataclass(frozen=True)
class Cause:
    """What the words of a shell or of Python mean."""

    words: re.Pattern[str]
    message: str
    hint: str


# Wording of dash, bash, tcsh, fish, busybox, env, nologin, sshd; the first that is found counts.
_CAUSES: Sequence[Cause] = tuple(
    Cause(re.compile(words, re.IGNORECASE), message, hint)
    for words, message, hint in (
        (
            r"restricted|not allowed|rbash",
            "the login shell is restricted",
            _SHELL,
        ),
        (
            r"python3?['\"]?:? ?(?:command )?not found|unknown command:? ?['\"]?python3"
            r"|python3: no such file|Command not found",
            "there is no python3 on the PATH of a command run over SSH",
            "install python3 (3.8 or newer), or put it on the PATH of shells that are not "
            "interactive; nothing else is needed",
        ),
        (
            r"python3['\"]?: permission denied|Permission denied",
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
        return ProbeFailed(f"{label}: {ending.refusal}", _BY_HAND)
    text = f"{ending.errors}\n{ending.output}"
    for cause in _CAUSES:
        if cause.words.search(text) and not ending.had_begun:
            return ProbeFailed(f"{label}: {cause.message}: {_last_line(text)}", cause.hint)
    if ending.had_begun:
        said = _last_line(ending.errors) or "nothing more"
        return ProbeFailed(f"{label}: the probe broke off with {ending.exit_status}: {said}")
    said = _last_line(ending.errors) or _last_line(ending.output) or "nothing"
    return ProbeFailed(
        f"{label}: no capture came; the host's command ended with {ending.exit_status} and said: "
        f"{said}",
        _SHELL,
    )


def _last_line(text: str) -> str:
    lines = [plain(line).strip() for line in text.splitlines()]
    return next((line[:200] for line in reversed(lines) if line), "")
