"""The host in between: how fast its processors copy memory, and its disk gives a large file."""

from __future__ import annotations

import ctypes
import errno
import os
import time
from contextlib import suppress

from preflight.probe.measure_copy import available_bytes
from preflight.probe.numa import Place, all_places, stay_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from preflight.probe.record import Entry, Record
    from preflight.probe.tree import Tree

COPY_BYTES = 64 << 20  # a thread; beyond its share of any cache
MOST_THREADS = 8  # a guess: they fill the channels of a node
COPY_S, DISK_S = 0.4, 2.0
BLOCK_BYTES = 8 << 20
READERS = 4  # at once: one alone waits between two reads
MIN_FILE_BYTES = 1 << 30
TEMPORARY_BYTES = 2 << 30
MAX_ENTRIES = 20_000  # of folders, looked at for a large file
MAX_DEPTH = 6
# Where models lie: those of `preflight deploy` first.
MODEL_FOLDERS = (
    "/var/lib/vllm",
    "/models",
    "/srv/models",
    "/data",
    "/mnt",
    "/root/.cache/huggingface",
    "/home",
    "/opt",
)


def cpu_copies(tree: Tree, record: Record) -> None:
    for place in all_places(tree) or [Place(None, frozenset(os.sched_getaffinity(0)))]:
        stay_at(place)
        threads = max(1, min(MOST_THREADS, len(place.cpus)))
        while threads > 1 and threads * COPY_BYTES * 8 > available_bytes():
            threads //= 2
        method = f"memmove, {threads} threads, {place.words}, {COPY_BYTES >> 20} MiB each"
        with record("cpu-copy", "GB/s", method) as entry:
            entry.values["numa_node"] = place.node
            # Made here: a page lies where it is first touched.
            pairs = [(touched(COPY_BYTES), touched(COPY_BYTES)) for _ in range(threads)]
            entry.repeat(lambda pairs=pairs: copied_gb_s(pairs), COPY_S)  # type: ignore[misc]


def touched(size: int) -> ctypes.Array[ctypes.c_char]:
    memory = (ctypes.c_char * size)()
    ctypes.memset(memory, 1, size)
    return memory


def copied_gb_s(pairs: list[tuple[object, object]]) -> float:
    """Bytes copied, as a file of that size would be, counted once."""

    def copy(to: object, source: object) -> None:
        for _ in range(4):
            ctypes.memmove(to, source, COPY_BYTES)  # type: ignore[arg-type]

    took = side_by_side([lambda pair=pair: copy(*pair) for pair in pairs])  # type: ignore[misc]
    return 4 * COPY_BYTES * len(pairs) / took / 1e9


def side_by_side(works: list[Callable[[], None]]) -> float:
    """Seconds until all have ended, each in a thread of its own; raises the first one's error."""
    from concurrent.futures import ThreadPoolExecutor

    start = time.perf_counter()
    with ThreadPoolExecutor(len(works)) as pool:
        ended = [pool.submit(work) for work in works]
    took = time.perf_counter() - start
    for work in ended:
        work.result()
    return took


def disk_read(may_write: bool, record: Record) -> None:
    method = f"O_DIRECT, {READERS} readers, {BLOCK_BYTES >> 20} MiB a read"
    with record("disk-read", "GB/s", method) as entry:
        try:
            path = largest_file()
            if not path and not may_write:
                entry.status = "skipped"
                entry.detail = "no file of 1 GiB or more where models lie, and none may be written"
                return
            folder = "" if path else roomy_folder()
            read_all(temporary_file(folder) if folder else direct(path), entry)
            entry.values.update(path=path or folder, temporary=not path)
        except OSError as error:
            # Some file systems know no direct reading, or no file without a name.
            entry.status = "failed" if error.errno == errno.EIO else "not-supported"
            entry.detail = str(error)


def direct(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)


def roomy_folder() -> str:
    """Where a temporary file goes; OSError where no folder has twice its size free."""
    for folder in (*MODEL_FOLDERS, "/"):
        if os.access(folder, os.W_OK):
            found = os.statvfs(folder)
            if found.f_bavail * found.f_frsize > 2 * TEMPORARY_BYTES:
                return folder
    raise OSError(errno.ENOSPC, "no folder for a temporary file of 2 GiB")


def largest_file() -> str:
    """The first folder's that has one of MIN_FILE_BYTES or more; empty where none has."""
    left = [MAX_ENTRIES]
    for folder in MODEL_FOLDERS:
        found = max(large_files(folder, MAX_DEPTH, left), default=(0, ""))
        if found[1]:
            return found[1]
    return ""


def large_files(folder: str, depth: int, left: list[int]) -> Iterator[tuple[int, str]]:
    """Size and path of those that can be read, without crossing a link."""
    folders = []
    with suppress(OSError), os.scandir(folder) as found:  # not there, or not ours to list
        for entry in found:
            left[0] -= 1
            if left[0] < 0:
                return
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                size = entry.stat(follow_symlinks=False).st_size
                if size >= MIN_FILE_BYTES and os.access(entry.path, os.R_OK):
                    yield size, entry.path
    if depth:
        for path in folders:
            yield from large_files(path, depth - 1, left)


def temporary_file(folder: str) -> int:
    """A file without a name, which nothing leaves behind, full and on the disk."""
    descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    block = os.urandom(BLOCK_BYTES)
    for _ in range(TEMPORARY_BYTES // BLOCK_BYTES):
        os.write(descriptor, block)
    os.fsync(descriptor)
    again = direct(f"/proc/self/fd/{descriptor}")
    os.close(descriptor)
    return again


def read_all(descriptor: int, entry: Entry) -> None:
    """Samples of a quarter of a second, each going on where the last one ended."""
    size = os.fstat(descriptor).st_size // BLOCK_BYTES * BLOCK_BYTES
    at, total, end = 0, 0, time.monotonic() + DISK_S
    while time.monotonic() < end and at < size:
        blocks = min(4 * READERS, (size - at) // BLOCK_BYTES)
        start = at
        came: list[int] = []  # bytes: a read may give less than was asked for

        def read(
            reader: int, start: int = start, blocks: int = blocks, came: list[int] = came
        ) -> None:
            memory = page_aligned(BLOCK_BYTES)
            for block in range(reader, blocks, READERS):
                came.append(os.preadv(descriptor, [memory], start + block * BLOCK_BYTES))

        took = side_by_side([lambda reader=reader: read(reader) for reader in range(READERS)])  # type: ignore[misc]
        if not any(came):
            raise OSError(errno.EIO, "nothing came of a file that is longer")
        entry.samples.append(sum(came) / took / 1e9)
        at += blocks * BLOCK_BYTES
        total += sum(came)
    entry.values.update(bytes=total, size_bytes=os.fstat(descriptor).st_size)


def page_aligned(size: int) -> memoryview:
    import mmap

    return memoryview(mmap.mmap(-1, size))
