"""Finding programs, and deciding which of them sudo may start."""

from __future__ import annotations

import os
import stat

from preflight.probe.tree import Tree

SYSTEM_FOLDERS = ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin")
MORE_FOLDERS = ("/usr/lib/wsl/lib",)
NO_SUDO = "no-sudo"
UNTRUSTED = "untrusted"


class ToolSearch:
    """Programs below one root: PATH first, then where administrators' tools lie."""

    def __init__(self, tree: Tree, path: str) -> None:
        self.tree = tree
        asked = [folder for folder in path.split(":") if folder.startswith("/")]
        self.folders = tuple(dict.fromkeys((*asked, *SYSTEM_FOLDERS, *MORE_FOLDERS)))

    def find(self, name: str) -> tuple[str, tuple[str, str] | None]:
        """Where the program lies on this machine, or the reason why it cannot be run."""
        refusal = ("tool-absent", f"{name}: not found")
        for folder in self.folders:
            path = f"{folder}/{name}"
            try:
                real = self.tree.at(path)
                mode = os.stat(real).st_mode
            except PermissionError:
                refusal = ("not-permitted", f"{path}: Permission denied")
                continue
            except OSError:  # not in this folder
                continue
            if stat.S_ISREG(mode) and os.access(real, os.X_OK):
                # sudo's rules name a program as it is called; an image's links lead out of it
                return (real if self.tree.root else path), None
            refusal = ("not-permitted", f"{path}: Permission denied")
        return "", refusal

    def environment(self) -> dict[str, str]:
        """The user's own, in the language that the parsers read."""
        environment = dict(os.environ)
        environment.pop("LANGUAGE", None)
        environment.update(LC_ALL="C", PATH=":".join(self.folders), SYSTEMD_COLORS="0")
        return environment

    def through_sudo(
        self, argv: tuple[str, ...], options: tuple[str, ...]
    ) -> tuple[tuple[str, ...], tuple[str, str] | None]:
        """argv with sudo before it, refused where anyone but root could have put the program."""
        sudo, refusal = ToolSearch(self.tree, "").find("sudo")
        if refusal:
            return argv, (NO_SUDO, refusal[1])
        for path, reason in ((sudo, NO_SUDO), (argv[0], UNTRUSTED)):
            if not root_alone_writes(path):
                return argv, (reason, f"{path}: others than root can change it")
        return (sudo, *options, "--", *argv), None


def root_alone_writes(path: str) -> bool:
    """No one but root can change what lies at this path: neither file, nor a folder above it."""
    for here in {path, os.path.realpath(path)}:
        while here != "/":
            if not is_roots(os.lstat(here)):
                return False
            here = os.path.dirname(here)
    return is_roots(os.lstat("/"))


def is_roots(found: os.stat_result) -> bool:
    if found.st_uid != 0:
        return False
    if stat.S_ISLNK(found.st_mode):
        return True
    # In a folder such as /tmp others may put new names, and not touch those of root.
    is_sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    by_group = found.st_mode & stat.S_IWGRP and found.st_gid != 0
    return bool(is_sticky) or not (found.st_mode & stat.S_IWOTH or by_group)
