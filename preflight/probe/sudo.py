"""Privileged sources: as root directly, else one try through sudo, else plainly.

With a password only one source tries it first, so that a wrong one is offered once and not nine
times; `-k` keeps sudo from remembering anything on the host.
"""

from __future__ import annotations

import marshal
import os

from preflight.probe.tools import NO_SUDO, UNTRUSTED, ToolSearch
from preflight.probe.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from preflight.probe.job import Job
    from preflight.probe.sources import Source

SAID_BYTES = 4096  # what sudo says is short
# Words after which no other source need try.
FINAL = (b"is not in the sudoers file", b"may not run sudo", b"incorrect password", b"try again")


class Sudo:
    """`password` ends in a newline; empty means `sudo -n`. It goes to sudo's stdin alone."""

    def __init__(self, tree: Tree, is_root: bool, allowed: bool, password: bytes = b"") -> None:
        self.tree = tree
        self.is_root = is_root
        self.allowed = allowed and not is_root
        self.password = password
        self.is_settled = False  # the first one that tried has ended
        self.plain: set[str] = set()  # sources for which sudo was refused
        self.worked = False

    def wants(self, source: Source) -> bool:
        return source.privileged and self.allowed and source.name not in self.plain

    def must_wait(self, source: Source, running: Iterable[Job]) -> bool:
        if not self.wants(source) or self.is_settled:
            return False
        return any(job.sudo for job in running)

    def options(self, source: Source) -> tuple[str, ...]:
        if not self.wants(source):
            return ()
        return ("-k", "-S", "-p", "") if self.password else ("-n",)

    def refused(self, job: Job) -> bool:
        """Did sudo, not the tool, end this job? Then it has to run plainly."""
        if not job.sudo:
            return False
        self.is_settled = True
        if job.outputs["report"]:
            reason = marshal.loads(job.outputs["report"])[0]
            refused, is_final = reason in (NO_SUDO, UNTRUSTED), reason == NO_SUDO
        else:
            said = bytes(job.outputs["stderr"][-SAID_BYTES:])
            refused = job.code == 1 and any(map(is_refusal, said.split(b"\n")))
            is_final = refused and any(words in said for words in FINAL)
            self.worked = self.worked or not refused
        self.allowed = self.allowed and not is_final
        if refused:
            self.plain.add(job.source.name)
        return refused

    def kill(self, pid: int) -> Callable[[int], None]:
        """Work of a child that has root end sudo and its tool, which share a process group."""

        def work(report: int) -> None:
            tools = ToolSearch(self.tree, "")
            path, refusal = tools.find("kill")
            options = ("-k", "-S", "-p", "") if self.password else ("-n",)
            argv, refused = tools.through_sudo((path, "-KILL", "--", f"-{pid}"), options)
            if not refusal and not refused:
                os.execve(argv[0], argv, tools.environment())

        return work


def is_refusal(line: bytes) -> bool:
    """sudo's own word on why it does not run the tool; a warning of its is none."""
    if line.startswith((b"sudo: ", b"Sorry, user ")):
        return b"unable to resolve host" not in line
    return b" is not in the sudoers file" in line
