"""Reading files below a root folder: the host's own, or a mounted image.

A path is always the host's (`/proc/version`), wherever the root lies on this machine.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_TEXT_BYTES = 256 << 10
MAX_MATCHES = 4096  # paths that one pattern may name
MAX_LINKS = 40  # as the kernel


class Tree:
    def __init__(self, root: str) -> None:
        self.root = "" if root == "/" else root.rstrip("/")

    def at(self, path: str) -> str:
        """Where `path` lies on this machine, with no link of the image leading out of it."""
        return self.root + self.resolve(path)

    def resolve(self, path: str, crossed: Callable[[str, str], None] | None = None) -> str:
        """The real path, as realpath(3) inside the root; tells each link that it crosses."""
        done, todo, links = "", [part for part in path.split("/") if part], 0
        while todo:
            part = todo.pop(0)
            if part == "..":
                done = done.rpartition("/")[0]
                continue
            here = done + "/" + part
            try:
                target = os.readlink(self.root + here)
            except OSError:  # no link, not there, or not permitted: whoever opens it will see
                done = here
                continue
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            if crossed:
                crossed(here, target)
            todo = [part for part in target.split("/") if part not in ("", ".")] + todo
            if target.startswith("/"):
                done = ""
        return done or "/"

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.at(path))

    def listdir(self, path: str) -> list[str]:
        return sorted(os.listdir(self.at(path)))

    def read(self, path: str, limit: int = MAX_TEXT_BYTES) -> bytes:
        """At most `limit` bytes of a regular file. OSError; a FIFO or device is never opened."""
        where = self.at(path)
        if not stat.S_ISREG(os.stat(where).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        descriptor = os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            parts = []
            while limit > 0:
                data = os.read(descriptor, limit)
                if not data:
                    break
                parts.append(data)
                limit -= len(data)
            return b"".join(parts)
        finally:
            os.close(descriptor)

    def expand(self, pattern: str) -> Iterator[str]:
        """Paths that exist and match; `*` stands for any characters of one name."""
        found = [""]
        for part in pattern.split("/")[1:]:
            if "*" not in part:
                found = [path + "/" + part for path in found]
                continue
            found = [path + "/" + name for path in found for name in self._matching(path, part)]
            del found[MAX_MATCHES:]
        return (path for path in found if self.exists(path))

    def _matching(self, folder: str, part: str) -> list[str]:
        try:
            names = self.listdir(folder or "/")
        except OSError:  # no such folder, or not ours to list: nothing matches there
            return []
        return [name for name in names if matches(name, part)]


def matches(name: str, pattern: str) -> bool:
    """Does `*` in `pattern` stand for something in `name`?"""
    first, *middle, last = pattern.split("*")
    if len(name) < len(first) + len(last):
        return False
    if not (name.startswith(first) and name.endswith(last)):
        return False
    start, end = len(first), len(name) - len(last)
    for part in middle:
        start = name.find(part, start, end)
        if start < 0:
            return False
        start += len(part)
    return True


def printable(path: str) -> str:
    """A file's name as text that JSON can hold."""
    return os.fsencode(path).decode("utf-8", "replace")


def error_word(error: OSError) -> str:
    """The reason as captures name it."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return "not-permitted"
    return "tool-failed: " + errno.errorcode.get(error.errno or 0, str(error.errno))
