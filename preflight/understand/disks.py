"""File systems that hold data, as df lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from preflight.capture import Capture, plain
from preflight.facts import Fact, FileSystem, Missing
from preflight.understand.sources import failure, file

# Filesystem  Type  1024-blocks  Used  Available  Capacity  Mounted on
_LINE = re.compile(
    r"(\S.{0,1000}?) +(\S{1,40}) +(\d{1,18}|-) +(\d{1,18}|-) +(-?\d{1,18}|-) +(?:\d{1,3}%|-) +(/.*)"
)
_MAX_LINES = 4096
_NO_DATA = frozenset({
    "tmpfs", "devtmpfs", "ramfs", "squashfs", "erofs", "cramfs", "iso9660", "efivarfs", "autofs",
    "proc", "sysfs", "nsfs", "fuse.lxcfs", "fuse.snapfuse", "fuse.portal",
})  # fmt: skip
_NOT_FOR_DATA = re.compile(
    r"/(?:boot|snap|proc|sys|dev|run|etc|usr/(?:bin|sbin|lib|lib64)|var/lib/(?:docker|kubelet"
    r"|containerd|snapd))(?:/|$)"
)
_KIB_PER_GIB = 1 << 20


class Line(NamedTuple):
    """One row of df; numbers are KiB or inodes, None where df prints "-"."""

    device: str
    kind: str
    total: int | None
    used: int | None
    available: int | None
    mount: str


def file_systems(capture: Capture) -> tuple[FileSystem, ...]:
    """Every mounted file system that holds data, `/` first; none where df told nothing."""
    sizes, inodes = _listing(capture, "df"), _listing(capture, "df-inodes")
    if isinstance(sizes, Missing):
        return ()
    return tuple(_file_system(line, inodes, capture) for line in _data(sizes))


def mount_size_mib(capture: Capture, mount: str) -> Fact[int]:
    """The size of what is mounted there, whatever its kind."""
    sizes = _listing(capture, "df")
    if isinstance(sizes, Missing):
        return sizes
    line = sizes.get(mount)
    if line is None or line.total is None:
        return Missing("not-present", f"df lists no {mount}")
    return line.total >> 10


def _listing(capture: Capture, name: str) -> Mapping[str, Line] | Missing:
    """df's rows by mount point; it ends with an error where one mount alone cannot be read."""
    source = capture.sources.get(name)
    why = failure(source)
    if source is None or (why is not None and not source.stdout):
        return why or Missing("not-collected")
    lines = {line.mount: line for line in _lines(source.stdout)}
    return lines or why or Missing("not-parsed", plain(source.stdout[:80]))


def _lines(text: str) -> Iterator[Line]:
    for row in text.splitlines()[:_MAX_LINES]:
        match = _LINE.fullmatch(row.rstrip()) if len(row) < 4096 else None
        if match:
            device, kind, total, used, available, mount = match.groups()
            yield Line(device, kind, _count(total), _count(used), _count(available), plain(mount))


def _count(text: str) -> int | None:
    return None if text == "-" else int(text)


def _data(lines: Mapping[str, Line]) -> list[Line]:
    """One row a device, the shortest mount point of it: a container binds single files."""
    chosen: dict[str, Line] = {}
    for line in sorted(lines.values(), key=lambda line: (len(line.mount), line.mount)):
        holds = line.kind not in _NO_DATA and not _NOT_FOR_DATA.match(line.mount)
        if line.mount == "/" or (holds and line.kind != "overlay" and line.total):
            chosen.setdefault(line.device, line)
    return list(chosen.values())


def _file_system(line: Line, inodes: Mapping[str, Line] | Missing, capture: Capture) -> FileSystem:
    absent = Missing("not-parsed", "df shows no number")
    percent = _percent(line)
    return FileSystem(
        subject=f"disk:{line.mount}",
        label=f"disk {line.mount}",
        sources=dict.fromkeys(("size_gib", "available_gib", "used_percent"), "df")
        | {"inodes_used_percent": "df-inodes", "is_read_only": "proc"},
        size_gib=absent if line.total is None else line.total / _KIB_PER_GIB,
        available_gib=absent if line.available is None else line.available / _KIB_PER_GIB,
        used_percent=absent if percent is None else percent,
        inodes_used_percent=_inodes(line, inodes),
        is_read_only=_is_read_only(line.mount, capture),
        holds_system=line.mount == "/",
    )


def _is_read_only(mount: str, capture: Capture) -> Fact[bool]:
    """By the last of the mounts at that place, which covers the others."""
    mounts = file(capture, "proc", "/proc/mounts")
    if isinstance(mounts, Missing):
        return mounts
    place = mount.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")
    rows = (row.split(" ") for row in mounts[: 1 << 20].splitlines()[:_MAX_LINES])
    options = [row[3] for row in rows if len(row) > 3 and row[1] == place]
    if not options:
        return Missing("not-present", f"/proc/mounts lists no {mount}")
    return "ro" in options[-1].split(",")


def _inodes(line: Line, inodes: Mapping[str, Line] | Missing) -> float | Missing:
    if isinstance(inodes, Missing):
        return inodes
    mine = inodes.get(line.mount)
    percent = _percent(mine) if mine else None
    return Missing("not-supported", f"{line.kind} counts no inodes") if percent is None else percent


def _percent(line: Line) -> float | None:
    """As df computes it: of what is used or may be used by others than root."""
    if line.used is None or line.available is None:
        return None
    usable = line.used + max(line.available, 0)
    return round(100 * line.used / usable, 1) if usable else None
