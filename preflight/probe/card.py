"""One card, opened: its context, its memory, its kernels, and the time that work on it takes."""

from __future__ import annotations

import ctypes
import os
from ctypes import byref, c_float, c_int, c_size_t, c_uint, c_uint64, c_void_p

from preflight.probe.cuda import MARGIN_BYTES, NOT_READY, OUT_OF_MEMORY, Cuda, CudaError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PORTABLE_MAPPED = 3  # CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP
NON_BLOCKING = 1
TICK_MS = 5e-4  # of the clock of events; less cannot be told apart
ATTRIBUTES = {
    "sms": 16,
    "bus_width_bits": 37,
    "l2_bytes": 38,
    "clock_khz": 13,
    "memory_clock_khz": 36,
    "cc_major": 75,
    "cc_minor": 76,
    "integrated": 18,
}


class Card:
    """The card at `pci`, its primary context current in this thread. What it takes goes with the
    process: a child that ends gives everything back.
    """

    def __init__(self, cuda: Cuda, pci: str) -> None:
        self.cuda = cuda
        self.pci = pci
        device = c_int()
        cuda.call("cuDeviceGetByPCIBusId", byref(device), pci.encode())
        self.device = device.value
        self.context = c_void_p()
        cuda.call("cuDevicePrimaryCtxRetain", byref(self.context), self.device)
        self.use()
        self.modules: dict[str, c_void_p] = {}
        self.stream = self.new_stream()

    def use(self) -> None:
        """Make its context the current one: a child may hold several cards."""
        self.cuda.call("cuCtxSetCurrent", self.context)

    def attribute(self, name: str) -> int:
        return self.cuda.integer("cuDeviceGetAttribute", ATTRIBUTES[name], self.device)

    # memory

    def free_bytes(self) -> int:
        """What may be taken: the free memory less a margin."""
        free, total = c_size_t(), c_size_t()
        self.cuda.call("cuMemGetInfo_v2", byref(free), byref(total))
        return max(0, free.value - MARGIN_BYTES)

    def allocate(self, size: int) -> int:
        """Its address on the card. CudaError OUT_OF_MEMORY also where only the margin is left."""
        if size > self.free_bytes():
            raise CudaError("cuMemAlloc_v2", OUT_OF_MEMORY, "less is free than is needed")
        pointer = c_uint64()
        self.cuda.call("cuMemAlloc_v2", byref(pointer), size)
        return pointer.value

    def release(self, pointer: int) -> None:
        self.cuda.call("cuMemFree_v2", pointer)

    def pinned(self, size: int) -> int:
        """Host memory that card and copy engines reach, where this thread's policy puts it."""
        pointer = c_void_p()
        self.cuda.call("cuMemHostAlloc", byref(pointer), size, PORTABLE_MAPPED)
        return pointer.value or 0

    def read_words(self, pointer: int, count: int) -> Any:
        """`count` 32-bit words from the card."""
        words = (c_uint * count)()
        self.cuda.call("cuMemcpyDtoH_v2", words, pointer, 4 * count)
        return words

    # work

    def new_stream(self) -> c_void_p:
        stream = c_void_p()
        self.cuda.call("cuStreamCreate", byref(stream), NON_BLOCKING)
        return stream

    def new_event(self) -> c_void_p:
        event = c_void_p()
        self.cuda.call("cuEventCreate", byref(event), 0)
        return event

    def kernel(self, file: str, name: str) -> c_void_p:
        """A function of ptx/FILE.ptx, which the driver compiles when it is first asked for."""
        if file not in self.modules:
            module = c_void_p()
            self.cuda.call("cuModuleLoadData", byref(module), ptx(file))
            self.modules[file] = module
        function = c_void_p()
        self.cuda.call("cuModuleGetFunction", byref(function), self.modules[file], name.encode())
        return function

    def launch(self, function: c_void_p, grid: int, block: int, *arguments: Any) -> None:
        """`arguments` are ctypes values as the kernel declares them; an int is an address."""
        values = [c_uint64(a) if isinstance(a, int) else a for a in arguments]
        pointers = (c_void_p * max(1, len(values)))(
            *(ctypes.cast(ctypes.pointer(value), c_void_p) for value in values)
        )
        self.cuda.call(
            "cuLaunchKernel", function, grid, 1, 1, block, 1, 1, 0, self.stream, pointers, None
        )

    def seconds(self, work: Callable[[], None], during: Callable[[], None] | None = None) -> float:
        """How long the card takes for what `work` puts on its stream, by its own clock.

        `during` is called again and again while it runs.
        """
        start, end = self.new_event(), self.new_event()
        self.cuda.call("cuEventRecord", start, self.stream)
        work()
        self.cuda.call("cuEventRecord", end, self.stream)
        while during:
            during()
            if self.cuda.code("cuEventQuery", end) != NOT_READY:
                break
        self.cuda.call("cuEventSynchronize", end)
        took_s = self.elapsed(start, end)
        for event in (start, end):
            self.cuda.call("cuEventDestroy_v2", event)
        return took_s

    def elapsed(self, start: c_void_p, end: c_void_p) -> float:
        """Seconds between two events that have come."""
        took_ms = c_float()
        self.cuda.call("cuEventElapsedTime", byref(took_ms), start, end)
        return max(took_ms.value, TICK_MS) / 1e3

    def synchronize(self) -> None:
        self.cuda.call("cuStreamSynchronize", self.stream)


def ptx(file: str) -> bytes:
    """The text of a kernel, from the folder or from the zip in which this module lies."""
    path = os.path.join(os.path.dirname(__file__), "ptx", file + ".ptx")
    data: bytes = __loader__.get_data(path)  # type: ignore[name-defined]
    return data + b"\0"
