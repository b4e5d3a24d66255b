"""The CUDA driver through ctypes: each call works, or raises CudaError with the driver's word.

Nothing of a toolkit is needed. Load it in a child alone: a process that has used it cannot fork.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import byref, c_char, c_int, c_size_t, c_uint64, c_void_p

from preflight.probe import library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LIBRARY = "libcuda.so.1"
# Kept back of a card's free memory, so that nobody else's allocation fails on our account.
MARGIN_BYTES = 512 << 20
NAMES = {
    1: "INVALID_VALUE",
    2: "OUT_OF_MEMORY",
    3: "NOT_INITIALIZED",
    100: "NO_DEVICE",
    101: "INVALID_DEVICE",
    209: "NO_BINARY_FOR_GPU",
    217: "PEER_ACCESS_UNSUPPORTED",
    218: "INVALID_PTX",
    222: "UNSUPPORTED_PTX_VERSION",
    500: "NOT_FOUND",
    600: "NOT_READY",
    801: "NOT_SUPPORTED",
}
OUT_OF_MEMORY, NO_DEVICE, INVALID_DEVICE, NOT_READY = 2, 100, 101, 600
# The driver is too old for a kernel, or the card has no such thing: no fault of the card.
CANNOT = (209, 217, 218, 222, 500, 801)
# The argument types of each call, one letter an argument (TYPES).
CALLS = {
    "cuInit": "u",
    "cuDriverGetVersion": "p",
    "cuGetErrorName": "ip",
    "cuDeviceGetCount": "p",
    "cuDeviceGet": "pi",
    "cuDeviceGetByPCIBusId": "pp",
    "cuDeviceGetPCIBusId": "pii",
    "cuDeviceGetName": "pii",
    "cuDeviceGetUuid": "pi",
    "cuDeviceGetAttribute": "pii",
    "cuDeviceTotalMem_v2": "pi",
    "cuDeviceCanAccessPeer": "pii",
    "cuDeviceGetP2PAttribute": "piii",
    "cuDevicePrimaryCtxRetain": "pi",
    "cuDevicePrimaryCtxRelease_v2": "i",
    "cuCtxSetCurrent": "p",
    "cuCtxSynchronize": "",
    "cuCtxEnablePeerAccess": "pu",
    "cuCtxDisablePeerAccess": "p",
    "cuMemGetInfo_v2": "pp",
    "cuMemAlloc_v2": "pz",
    "cuMemFree_v2": "q",
    "cuMemHostAlloc": "pzu",
    "cuMemFreeHost": "p",
    "cuMemHostGetDevicePointer_v2": "ppu",
    "cuMemcpyHtoD_v2": "qpz",
    "cuMemcpyDtoH_v2": "pqz",
    "cuMemcpyHtoDAsync_v2": "qpzp",
    "cuMemcpyDtoHAsync_v2": "pqzp",
    "cuMemcpyDtoDAsync_v2": "qqzp",
    "cuMemcpyPeerAsync": "qpqpzp",
    "cuMemsetD32_v2": "quz",
    "cuStreamCreate": "pu",
    "cuStreamSynchronize": "p",
    "cuStreamQuery": "p",
    "cuStreamWaitEvent": "ppu",
    "cuEventCreate": "pu",
    "cuEventRecord": "pp",
    "cuEventQuery": "p",
    "cuEventSynchronize": "p",
    "cuEventElapsedTime": "ppp",
    "cuEventDestroy_v2": "p",
    "cuModuleLoadData": "pp",
    "cuModuleGetFunction": "ppp",
    "cuLaunchKernel": "puuuuuuuppp",
}
TYPES = {
    "i": c_int,
    "u": ctypes.c_uint,
    "z": c_size_t,
    "q": c_uint64,
    "p": c_void_p,
}


class CudaError(Exception):
    """A call of the driver failed; `code` is its CUresult."""

    def __init__(self, call: str, code: int, name: str) -> None:
        super().__init__(f"{call}: {name} ({code})")
        self.code = code


def clear_environment() -> None:
    """The user's variables change nothing, and no compiled kernel is left behind."""
    for name in list(os.environ):
        if name.startswith("CUDA_") and not name.startswith("CUDA_MPS_"):
            del os.environ[name]
    os.environ["CUDA_CACHE_DISABLE"] = "1"
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"


class Cuda:
    """The driver, loaded and initialised. library.NotLoaded, CudaError."""

    def __init__(self) -> None:
        clear_environment()
        self.library = library.load(LIBRARY)
        self._functions: dict[str, Any] = {}
        self.call("cuInit", 0)

    def call(self, name: str, *arguments: Any) -> None:
        code = self.code(name, *arguments)
        if code:
            raise CudaError(name, code, self.name_of(code))

    def code(self, name: str, *arguments: Any) -> int:
        """The call's CUresult, for those whose failure is an answer."""
        code: int = self.function(name)(*arguments)
        return code

    def function(self, name: str) -> Any:
        """The call itself, for those who count microseconds. CudaError in a driver without it."""
        function = self._functions.get(name)
        if function is None:
            try:
                function = getattr(self.library, name)
            except AttributeError:
                raise CudaError(name, 500, "not in this driver") from None
            function.argtypes = [TYPES[letter] for letter in CALLS[name]]
            self._functions[name] = function
        return function

    def name_of(self, code: int) -> str:
        text = ctypes.c_char_p()
        if self.code("cuGetErrorName", code, byref(text)) == 0 and text.value:
            return text.value.decode("ascii", "replace")
        return "CUDA_ERROR_" + NAMES.get(code, "UNKNOWN")

    def integer(self, name: str, *arguments: Any) -> int:
        """What a call gives that writes one int through its first argument."""
        value = c_int()
        self.call(name, byref(value), *arguments)
        return value.value

    def cards(self) -> list[str]:
        """PCI addresses of the cards that CUDA lists, in its order."""
        return [self.address(index) for index in range(self.integer("cuDeviceGetCount"))]

    def address(self, device: int) -> str:
        text = (c_char * 32)()
        self.call("cuDeviceGetPCIBusId", text, 32, device)
        return text.value.decode("ascii", "replace").lower()
