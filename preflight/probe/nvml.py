"""NVML, call by call: a value, or the error's name. Getters only; nothing is judged.

A name in the capture is that of the function, with its constant arguments:
`nvmlDeviceGetTemperatureThreshold(SHUTDOWN)`, for pairs `nvmlDeviceGetP2PStatus(0,1,READ)`, for
links `nvmlDeviceGetNvLinkErrorCounter(17,DL_REPLAY)`. Several results are a list in NVML's order.
"""

from __future__ import annotations

import ctypes
import os

from preflight.probe import nvml_calls as calls
from preflight.probe.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from preflight.probe.files import Emit, Step

    Call = tuple[str, Callable[[], Any]]

LIBRARY = "libnvidia-ml.so.1"
# Where distributions put it outside the loader's path.
FOLDERS = (
    "/usr/lib/wsl/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib64/nvidia",
    "/usr/lib/nvidia",
    "/usr/local/nvidia/lib64",
    "/run/opengl-driver/lib",
)


def collect(tree: Tree, step: Step, emit: Emit, done: frozenset[int]) -> None:
    """Everything but the cards in `done`, which an earlier run read or hung at."""
    step("loading " + LIBRARY)
    refused = load(tree)
    if refused:
        emit("status", refused[0])
        emit("detail", refused[1])
        return
    import pynvml

    reader = Reader(pynvml, step, emit)
    step("nvmlInit")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        emit("status", "tool-failed")
        emit("detail", reader.names.get(error.value, f"CODE_{error.value}"))
        return
    reader.system()
    handles = {index: reader.device(index, index in done) for index in range(reader.count)}
    reader.pairs({index: handle for index, handle in handles.items() if handle is not None})
    read_processes(tree, sorted(reader.pids), step, emit)


def load(tree: Tree) -> tuple[str, str] | None:
    """Load the library where the binding will find it; status and detail where that fails."""
    import pynvml

    try:
        pynvml.nvmlLib = ctypes.CDLL(LIBRARY)
        return None
    except OSError as error:
        words = str(error)
    # glibc and musl name the file that is missing; that of a dependency is another one
    if LIBRARY + ": " not in words or "No such file" not in words:
        return "tool-failed", words
    for folder in () if tree.root else FOLDERS:
        if os.path.exists(folder + "/" + LIBRARY):
            try:
                pynvml.nvmlLib = ctypes.CDLL(folder + "/" + LIBRARY)
                return None
            except OSError as error:
                return "tool-failed", str(error)
    return "tool-absent", words


class Reader:
    """Makes the calls and keeps what they gave."""

    def __init__(self, pynvml: Any, step: Step, emit: Emit) -> None:
        self.pynvml = pynvml
        self.step = step
        self.emit = emit
        self.names = {
            value: name[len("NVML_ERROR_") :]
            for name, value in vars(pynvml).items()
            if name.startswith("NVML_ERROR_")
        }
        self.count = 0
        self.pids: set[int] = set()

    def function(self, name: str) -> Callable[..., Any]:
        """The binding's function without its decorators, which decode strictly."""
        found = getattr(self.pynvml, name)
        plain: Callable[..., Any] = getattr(found, "__wrapped__", found)
        return plain

    def call(self, name: str, *arguments: Any) -> dict[str, Any]:
        return self.outcome(lambda: self.function(name)(*arguments))

    def outcome(self, call: Callable[[], Any]) -> dict[str, Any]:
        try:
            return {"value": as_json(call())}
        except self.pynvml.NVMLError as error:
            return {"error": self.names.get(error.value, f"CODE_{error.value}")}

    def system(self) -> None:
        for name in calls.SYSTEM:
            self.step(name)
            result = self.call(name)
            self.emit("system", name, result)
            if name == "nvmlDeviceGetCount":
                self.count = int(result.get("value", 0))

    def device(self, index: int, known: bool) -> Any:
        """Read one card; its handle, or None where the driver gives none."""
        self.step(f"gpu {index}: nvmlDeviceGetHandleByIndex")
        try:
            handle = self.function("nvmlDeviceGetHandleByIndex")(index)
        except self.pynvml.NVMLError as error:
            name = self.names.get(error.value, f"CODE_{error.value}")
            self.emit("devices", str(index), "handle_error", name)
            return None
        if not known:
            for name, call in self.device_calls(handle):
                self.step(f"gpu {index}: {name}")
                self.emit("devices", str(index), "calls", name, self.note(name, call))
        return handle

    def note(self, name: str, call: Callable[[], Any]) -> dict[str, Any]:
        result = self.outcome(call)
        if name.endswith("RunningProcesses_v3"):
            self.pids.update(process["pid"] for process in result.get("value", ()))
        return result

    def device_calls(self, handle: Any) -> Iterator[Call]:
        for name in calls.DEVICE:
            yield name, self.bind(name, handle)
        for name, constants in calls.DEVICE_BY_CONSTANT.items():
            for word, value in constants.items():
                yield f"{name}({word})", self.bind(name, handle, value)
        yield from self.ecc_calls(handle)
        yield from self.struct_calls(handle)
        for fan in range(self.number("nvmlDeviceGetNumFans", handle)):
            yield (
                f"nvmlDeviceGetFanSpeed_v2({fan})",
                self.bind("nvmlDeviceGetFanSpeed_v2", handle, fan),
            )
        for word, field in calls.FIELD.items():
            yield f"nvmlDeviceGetFieldValues({word})", lambda f=field: self.field(handle, f)
        yield from self.link_calls(handle)

    def bind(self, name: str, *arguments: Any) -> Callable[[], Any]:
        return lambda: self.function(name)(*arguments)

    def number(self, name: str, handle: Any) -> int:
        """What a count says, 0 where it is refused."""
        value = self.call(name, handle).get("value", 0)
        return min(int(value), calls.MAX_LINKS)

    def ecc_calls(self, handle: Any) -> Iterator[Call]:
        for kind, kind_value in calls.ECC_TYPE.items():
            for counter, counter_value in calls.ECC_COUNTER.items():
                name = "nvmlDeviceGetTotalEccErrors"
                bound = self.bind(name, handle, kind_value, counter_value)
                yield f"{name}({kind},{counter})", bound
                name = "nvmlDeviceGetMemoryErrorCounter"
                for place, place_value in calls.ECC_LOCATION.items():
                    bound = self.bind(name, handle, kind_value, counter_value, place_value)
                    yield f"{name}({kind},{counter},{place})", bound

    def struct_calls(self, handle: Any) -> Iterator[Call]:
        """Those that fill a structure of the caller."""
        pynvml = self.pynvml
        yield (
            "nvmlDeviceGetMemoryInfo_v2",
            self.bind("nvmlDeviceGetMemoryInfo", handle, pynvml.nvmlMemory_v2),
        )
        for name, structure in (
            ("nvmlDeviceGetSramEccErrorStatus", pynvml.c_nvmlEccSramErrorStatus_v1_t),
            ("nvmlDeviceGetGpuFabricInfoV", pynvml.c_nvmlGpuFabricInfo_v2_t),
        ):
            yield name, lambda n=name, s=structure: self.filled(n, handle, s())

    def filled(self, name: str, handle: Any, structure: Any) -> Any:
        self.function(name)(handle, ctypes.byref(structure))
        return structure

    def field(self, handle: Any, field: int) -> Any:
        value = self.function("nvmlDeviceGetFieldValues")(handle, [field])[0]
        if value.nvmlReturn != 0:
            raise self.pynvml.NVMLError(value.nvmlReturn)
        return getattr(value.value, calls.FIELD_MEMBER[value.valueType])

    def link_calls(self, handle: Any) -> Iterator[Call]:
        """Each link of NVLink; a card without any is asked once."""
        try:
            count = int(self.field(handle, calls.FIELD["NVLINK_LINK_COUNT"]))
        except self.pynvml.NVMLError:  # kept under the field's own name already
            count = 0
        for link in range(min(max(count, 1), calls.MAX_LINKS)):
            name = "nvmlDeviceGetNvLinkState"
            yield f"{name}({link})", self.bind(name, handle, link)
            if not count:
                return
            for name, constants in calls.LINK.items():
                if not constants:
                    yield f"{name}({link})", self.bind(name, handle, link)
                for word, value in constants.items():
                    yield f"{name}({link},{word})", self.bind(name, handle, link, value)

    def pairs(self, handles: dict[int, Any]) -> None:
        for one, first in handles.items():
            for two, second in handles.items():
                if one == two:
                    continue
                if one < two:
                    name = "nvmlDeviceGetTopologyCommonAncestor"
                    self.pair(f"{name}({one},{two})", self.bind(name, first, second))
                for word, value in calls.P2P_CAPS.items():
                    name = "nvmlDeviceGetP2PStatus"
                    self.pair(f"{name}({one},{two},{word})", self.bind(name, first, second, value))

    def pair(self, name: str, call: Callable[[], Any]) -> None:
        self.step(name)
        self.emit("system", name, self.outcome(call))


def as_json(value: Any) -> Any:
    """Structures as objects with NVML's field names, bytes as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (ctypes.Structure, ctypes.Union)):
        # The binding's own attribute access decodes strictly: untrusted bytes would raise.
        return {
            field[0]: as_json(object.__getattribute__(value, field[0])) for field in value._fields_
        }
    if isinstance(value, (list, tuple, ctypes.Array)):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None  # JSON has neither NaN nor infinity
    return as_json(vars(value))


def read_processes(tree: Tree, pids: list[int], step: Step, emit: Emit) -> None:
    """What /proc says of each process that NVML named; empty where it is gone or hidden."""
    for pid in pids:
        for name in ("comm", "cgroup", "stat"):
            path = f"/proc/{pid}/{name}"
            step(path)
            try:
                text = tree.read(path).decode("utf-8", "replace").rstrip("\n")
            except OSError:  # gone, or of another PID namespace: the record stays empty
                text = ""
            emit("processes", str(pid), name, text)
