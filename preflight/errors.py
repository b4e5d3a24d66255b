"""What can go wrong, and the exit status each kind ends in.

PreflightError            what happened, and a hint: what to do now
|- UsageError          2  arguments, policy, input files
|  `- NotThisKind      2  a recording that is not what it was said to be
`- CannotJudge         3  the host could not be judged
   |- Unreachable         no connection
   |- LoginRefused        no key, password or certificate was taken
   |- HostKeyUnknown      never seen before, and not to be trusted unasked
   |- HostKeyChanged      another key than the known one
   |- TimedOut            a limit ran out
   `- ProbeFailed         the probe could not run on the host
anything else         70  a defect in the tool

Only cli.py catches these. A gap in the evidence is no error: facts.Missing.
"""

from __future__ import annotations


class PreflightError(Exception):
    """What happened in one line; `hint` says what to do now."""

    exit_status = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(PreflightError):
    exit_status = 2


class NotThisKind(UsageError):
    """Raised by a parser with what it expected: `NotThisKind("an nvidia-smi topo -m table")`."""

    def __init__(self, expected: str, found: str = "") -> None:
        super().__init__(f"expected {expected}" + (f", found {found}" if found else ""))
        self.expected = expected


class CannotJudge(PreflightError):
    exit_status = 3


class Unreachable(CannotJudge):
    pass


class LoginRefused(CannotJudge):
    pass


class HostKeyUnknown(CannotJudge):
    pass


class HostKeyChanged(CannotJudge):
    pass


class TimedOut(CannotJudge):
    pass


class ProbeFailed(CannotJudge):
    pass
