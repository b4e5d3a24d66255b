"""Privileged sources: as root directly, else one try through sudo, else plainly.

With a password only one source tries it first, so that a wrong one is offered once and not nine
times; `-k` keeps sudo from remembering anything on the host.
"""

from __future__ import annotations

import json
import os

from preflight.probe.tools import ToolSearch
from preflight.probe.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from preflight.probe.job import Job
    from preflight.probe.sources import Source

NEVER = ("not in the sudoers file", "may not run sudo", "incorrect password")


class Sudo:
    """`password` ends in a newline; empty means `sudo -n`. It goes to sudo's stdin alone."""

    def __init__(self, tree: Tree, is_root: bool, allowed: bool, password: bytes = b"") -> None:
        self.tree = tree
        self.is_root = is_root
        self.allowed = allowed and not is_root
        self.password = password
        self.pilot = ""  # the source that tries first
        self.is_settled = False  # the pilot has ended
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

    def refused(self, job: Job, code: int | None) -> bool:
        """Did sudo, not the tool, end this job? Then it has to run plainly."""
        if not job.sudo:
            return False
        self.is_settled = True
        report = bytes(job.outputs["report"])
        if report:
            refused = json.loads(report)[0] == "no-sudo"
        else:
            said = job.outputs["stderr"].lstrip()
            refused = code == 1 and said.startswith(b"sudo:")
            if refused and any(word.encode() in said for word in NEVER):
                self.allowed = False
            self.worked = self.worked or not refused
        if refused:
            self.plain.add(job.source.name)
        return refused

    def kill(self, pid: int) -> Callable[[int], None]:
        """Work of a child that asks root's sudo to end; it passes the signal on to its tool."""

        def work(report: int) -> None:
            tools = ToolSearch(self.tree, "")
            path, refusal = tools.find("kill")
            options = ("-k", "-S", "-p", "") if self.password else ("-n",)
            argv, refused = tools.through_sudo((path, "-TERM", str(pid)), options)
            if not refusal and not refused:
                os.execve(argv[0], argv, tools.environment())

        return work
