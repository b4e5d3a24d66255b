"""NCCL's own all-reduce, by a libnccl that lies on the host: one process a card, as vLLM has it."""

from __future__ import annotations

import ctypes
import marshal
import os
import select
import signal
import stat
import time
from ctypes import byref, c_int, c_size_t, c_void_p

from preflight.probe.child import PR_SET_PDEATHSIG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    from preflight.probe.card import Card
    from preflight.probe.record import Entry, Record

# Bytes a card -> sums in one sample: every process has to make the same number.
SIZES = {
    8: 100,
    4 << 10: 100,
    128 << 10: 100,
    1 << 20: 50,
    16 << 20: 20,
    256 << 20: 8,
    1 << 30: 4,
}
SAMPLES, LARGE_SAMPLES, LARGE = 5, 3, 256 << 20
WARM = 3
# A guess: two H100s open a communicator in 0.5 s, over sockets in 10.5 s. Less than steps.py gives.
SILENT_S = 30.0
LOG_BYTES = 64 << 10
UNIQUE_ID_BYTES = 128
INT32, FLOAT32, SUM, MIN = 2, 7, 0, 3  # ncclDataType_t, ncclRedOp_t
THREADS, BLOCKS = 512, 256
NONE_WRONG = 0xFFFFFFFF
# Multicast (NVLS) stays off: it takes a resource of the whole host. One host needs
# no network.
SETTINGS = {
    "NCCL_NVLS_ENABLE": "0",
    "NCCL_IB_DISABLE": "1",
    "NCCL_SOCKET_IFNAME": "lo",
    "NCCL_RAS_ENABLE": "0",  # it would listen on a port
    "NCCL_DEBUG": "INFO",
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
}
VARIANTS = {"nccl-allreduce": {}, "nccl-allreduce-no-p2p": {"NCCL_P2P_DISABLE": "1"}}


class UniqueId(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_char * UNIQUE_ID_BYTES)]


class NcclError(Exception):
    """NCCL's or the driver's words."""


def nccl_allreduce(pcis: list[str], paths: Sequence[str], record: Record) -> None:
    """Once as NCCL would do it, once without peer access; `paths`: where a libnccl may lie."""
    path, refusal = choose(paths)
    for name, settings in VARIANTS.items():
        told = " ".join(f"{key}={value}" for key, value in settings.items())
        method = "one process a card" + (f", {told}" if told else "")
        with record(name, "us", method, cards=pcis) as entry:
            entry.values.update(path=path, rows=[], wrong=0, log="")
            if refusal:
                entry.status, entry.detail = "tool-absent", refusal
                continue
            ranks = [Rank(number, len(pcis)) for number in range(len(pcis))]
            try:
                start(ranks, pcis, path, settings)
                listen(entry, ranks, record.announce)
            finally:
                end(ranks)


def choose(paths: Sequence[str]) -> tuple[str, str]:
    """The library, or why none is loaded. A Python package's comes first: vLLM uses that one."""
    named = sorted(paths, key=lambda path: ("-packages" not in path, len(path), path))
    distrusted = ""
    for path in named:
        real = os.path.realpath(path)
        if not os.path.isfile(real):
            continue
        if is_trusted(real):
            return real, ""
        distrusted = real
    if distrusted:
        return "", f"{distrusted}: others may write to it, it is not loaded"
    return "", "no libnccl.so was found"


def is_trusted(path: str) -> bool:
    """Nobody but root and we can have put it there: it runs with our rights."""
    while True:
        found = os.stat(path)
        is_sticky = found.st_mode & stat.S_ISVTX
        if found.st_uid not in (0, os.geteuid()) or (found.st_mode & 0o022 and not is_sticky):
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)


class Rank:
    """One process, and our ends of its pipes: what it reports, and what its NCCL logs."""

    def __init__(self, number: int, count: int) -> None:
        self.number = number
        self.count = count
        self.pid = 0
        self.report, self.reporting = os.pipe()
        self.log, self.logging = os.pipe()
        self.told = bytearray()
        self.open = {self.report, self.log}


def start(ranks: list[Rank], pcis: list[str], path: str, settings: dict[str, str]) -> None:
    """The first process makes the id by which all find each other, and hands it on."""
    identity = os.pipe()
    parent = os.getpid()
    for rank, pci in zip(ranks, pcis):
        rank.pid = os.fork()
        if rank.pid == 0:
            become(rank, ranks, parent, {**SETTINGS, **settings})
            work(rank, pci, path, identity)
    for descriptor in identity:
        os.close(descriptor)
    for rank in ranks:
        os.close(rank.reporting)
        os.close(rank.logging)


def become(rank: Rank, ranks: list[Rank], parent: int, settings: dict[str, str]) -> None:
    """In the child: dead when the measuring one dies, stdout and stderr to the log.

    The other ranks' pipes are closed: each has to be seen to end with its own process.
    """
    ctypes.pythonapi.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)
    for other in ranks:
        if other is not rank:
            os.close(other.reporting)
            os.close(other.logging)
    os.dup2(rank.logging, 1)
    os.dup2(rank.logging, 2)
    for name in list(os.environ):
        if name.startswith("NCCL_"):
            del os.environ[name]
    os.environ.update(settings)


def work(rank: Rank, pci: str, path: str, identity: tuple[int, int]) -> NoReturn:
    from preflight.probe.cuda import CudaError
    from preflight.probe.library import NotLoaded
    from preflight.probe.record import status_of

    def tell(**message: Any) -> None:
        os.write(rank.reporting, marshal.dumps(message, 2))

    status = 1
    try:
        reduce_all(rank, pci, path, identity, tell)
        status = 0
    except CudaError as error:
        tell(failed=f"rank {rank.number}: {error}"[:200], status=status_of(error))
    except (NcclError, NotLoaded, OSError) as error:
        tell(failed=f"rank {rank.number}: {error}"[:200], status="failed")
    finally:
        os._exit(status)


def reduce_all(
    rank: Rank, pci: str, path: str, identity: tuple[int, int], tell: Callable[..., None]
) -> None:
    from preflight.probe.card import Card
    from preflight.probe.cuda import OUT_OF_MEMORY, Cuda, CudaError

    card = Card(Cuda(), pci)
    nccl = Nccl(path)
    tell(version=nccl.version())
    communicator = nccl.join(rank, identity)
    room = nccl.least(card, card.free_bytes() >> 20, communicator) << 20
    sizes = [size for size in SIZES if 2 * size <= room]
    if not sizes:
        raise CudaError("cuMemAlloc_v2", OUT_OF_MEMORY, "less is free than is needed")
    buffers = Buffers(card, sizes[-1], rank)
    tell(sizes=sizes)
    for size in sizes:

        def once(size: int = size) -> None:
            nccl.all_reduce(buffers, size, communicator)

        def several(size: int = size) -> None:
            for _ in range(SIZES[size]):
                once(size)

        for _ in range(WARM):
            once()
        card.synchronize()
        samples = SAMPLES if size < LARGE else LARGE_SAMPLES
        took = [round(card.seconds(several) / SIZES[size] * 1e6, 2) for _ in range(samples)]
        tell(bytes=size, us=took, wrong=buffers.wrong(once, size, rank.count))


class Nccl:
    def __init__(self, path: str) -> None:
        self.library = ctypes.CDLL(path)
        self.library.ncclGetErrorString.restype = ctypes.c_char_p
        self.library.ncclCommInitRank.argtypes = [c_void_p, c_int, UniqueId, c_int]
        self.library.ncclAllReduce.argtypes = [
            ctypes.c_uint64, ctypes.c_uint64, c_size_t, c_int, c_int, c_void_p, c_void_p,
        ]  # fmt: skip

    def call(self, name: str, *arguments: Any) -> None:
        code = getattr(self.library, name)(*arguments)
        if code:
            words = self.library.ncclGetErrorString(code) or b""
            raise NcclError(f"{name}: {words.decode('ascii', 'replace')} ({code})")

    def version(self) -> str:
        """2.28.3 of 22803; 2.7.8 of 2708, as numbers were made before 2.9."""
        number = c_int()
        self.call("ncclGetVersion", byref(number))
        major, rest = divmod(number.value, 10000 if number.value >= 10000 else 1000)
        return f"{major}.{rest // 100}.{rest % 100}"

    def join(self, rank: Rank, identity: tuple[int, int]) -> c_void_p:
        unique, communicator = UniqueId(), c_void_p()
        readable, writable = identity
        if rank.number == 0:
            self.call("ncclGetUniqueId", byref(unique))
            os.write(writable, bytes(unique) * (rank.count - 1))
        else:
            os.close(writable)
            data = os.read(readable, UNIQUE_ID_BYTES)
            if len(data) < UNIQUE_ID_BYTES:
                raise NcclError("the first process ended before it had made an id")
            ctypes.memmove(byref(unique), data, UNIQUE_ID_BYTES)
        self.call("ncclCommInitRank", byref(communicator), rank.count, unique, rank.number)
        return communicator

    def least(self, card: Card, number: int, communicator: c_void_p) -> int:
        """The smallest of the numbers that all processes give: all must make the same sums."""
        place = card.allocate(4)
        card.cuda.call("cuMemsetD32_v2", place, number, 1)
        card.cuda.call("cuCtxSynchronize")
        self.call("ncclAllReduce", place, place, 1, INT32, MIN, communicator, card.stream)
        card.synchronize()
        return int(card.read_words(place, 1)[0])

    def all_reduce(self, buffers: Buffers, size: int, communicator: c_void_p) -> None:
        self.call(
            "ncclAllReduce", buffers.words, buffers.result, size // 4, FLOAT32, SUM,
            communicator, buffers.card.stream,
        )  # fmt: skip


class Buffers:
    """A card's words, and the place of their sum."""

    def __init__(self, card: Card, size: int, rank: Rank) -> None:
        self.card = card
        self.words, self.result = card.allocate(size), card.allocate(size)
        self.found = card.allocate(8)
        arguments = ctypes.c_uint(rank.number), ctypes.c_uint(size // 4)
        card.launch(card.kernel("allreduce", "fill"), BLOCKS, THREADS, self.words, *arguments)
        card.synchronize()

    def wrong(self, once: Callable[[], None], size: int, ranks: int) -> int:
        """Words that are not the sum, after one more of it into cleared memory."""
        call = self.card.cuda.call
        call("cuMemsetD32_v2", self.result, 0, size // 4)
        call("cuMemsetD32_v2", self.found, 0, 1)
        call("cuMemsetD32_v2", self.found + 4, NONE_WRONG, 1)
        call("cuCtxSynchronize")
        once()
        self.card.launch(
            self.card.kernel("allreduce", "verify"), BLOCKS, THREADS, self.found, self.result,
            ctypes.c_uint(ranks), ctypes.c_uint(size // 4),
        )  # fmt: skip
        self.card.synchronize()
        return int(self.card.read_words(self.found, 1)[0])


def listen(entry: Entry, ranks: list[Rank], announce: Callable[[str], None]) -> None:
    """Take what the processes report until all have ended, one has failed, or none says a word."""
    log = bytearray()
    heard = time.monotonic()
    while any(rank.open for rank in ranks):
        waiting = [descriptor for rank in ranks for descriptor in rank.open]
        ready, _, _ = select.select(waiting, [], [], 1.0)
        now = time.monotonic()
        for rank in ranks:
            for descriptor in rank.open & set(ready):
                data = os.read(descriptor, 1 << 16)
                if not data:
                    rank.open.discard(descriptor)
                    note_end(entry, rank)
                elif descriptor == rank.log:
                    if rank.number == 0:
                        log += data[: LOG_BYTES - len(log)]
                else:
                    rank.told += data
                    heard = now
                    take(entry, rank)
                    announce(entry.name)
        if now - heard > SILENT_S and not entry.has_stopped:
            entry.stop("timed-out", f"no word for {SILENT_S:g} s")
        if entry.has_stopped:
            break
    entry.values["log"] = log.decode("utf-8", "replace")
    missing = (entry.values.pop("sizes", None) or list(SIZES))[len(entry.values["rows"]) :]
    if missing and not entry.has_stopped:
        entry.stop("failed", f"a process ended before {missing[0]} bytes")


def note_end(entry: Entry, rank: Rank) -> None:
    """The others would wait for ever for one that has ended before its time."""
    if rank.open or entry.has_stopped:
        return
    ended = os.waitid(os.P_PID, rank.pid, os.WEXITED | os.WNOWAIT)
    if ended and ended.si_status:
        entry.stop("failed", f"rank {rank.number} ended with {ended.si_status}")


def take(entry: Entry, rank: Rank) -> None:
    """Messages of a rank are short, and each is written at once: whole ones come."""
    import io

    stream = io.BytesIO(bytes(rank.told))
    rank.told.clear()
    while stream.tell() < len(stream.getbuffer()):
        message = marshal.load(stream)
        if "failed" in message:
            if not entry.has_stopped:  # the others only fail with the first one
                entry.stop(message["status"], message["failed"])
        elif "version" in message:
            entry.values["version"] = message["version"]
        elif "sizes" in message:
            entry.values["sizes"] = message["sizes"]
        else:
            entry.values["wrong"] += message["wrong"]
            if message["wrong"]:
                entry.wrong(
                    f"{message['wrong']} words are not the sum, rank {rank.number}, "
                    f"{message['bytes']} bytes"
                )
            if rank.number == 0:
                entry.values["rows"].append({"bytes": message["bytes"], "us": message["us"]})


def end(ranks: list[Rank]) -> None:
    for rank in ranks:
        if rank.pid:
            os.kill(rank.pid, signal.SIGKILL)  # not waited for yet: the number is still its own
    for rank in ranks:
        deadline = time.monotonic() + 2.0
        while rank.pid and os.waitpid(rank.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:  # in the kernel; the probe ends without it
                break
            time.sleep(0.01)
        os.close(rank.report)
        os.close(rank.log)
