"""NVML, call by call: a value, or the error's name. Getters only; nothing is judged.

A name in the capture is that of the function, with its constant arguments:
`nvmlDeviceGetTemperatureThreshold(SHUTDOWN)`, for pairs `nvmlDeviceGetP2PStatus(0,1,READ)`, for
links `nvmlDeviceGetNvLinkErrorCounter(17,DL_REPLAY)`. Several results are a list in NVML's order.
"""

from __future__ import annotations

import ctypes
from functools import partial

import pynvml  # type: ignore[import-untyped]

from preflight.probe import library
from preflight.probe import nvml_calls as calls
from preflight.probe.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from preflight.probe.files import Emit, Step

    Call = tuple[str, Callable[[], Any]]

LIBRARY = "libnvidia-ml.so.1"
ERRORS = {
    value: name[len("NVML_ERROR_") :]
    for name, value in vars(pynvml).items()
    if name.startswith("NVML_ERROR_")
}


def collect(
    tree: Tree, step: Step, emit: Emit, known: frozenset[int], hung: frozenset[int]
) -> None:
    """Everything but what an earlier child has read; cards at which one hung are left alone."""
    step("loading " + LIBRARY)
    refused = load(tree)
    if not refused:
        step("nvmlInit")
        error = outcome(pynvml.nvmlInit).get("error")
        refused = ("tool-failed", error) if error else None
    if refused:
        emit("status", refused[0])
        emit("detail", refused[1])
        return
    reader = Reader(tree, step, emit)
    reader.system()
    cards = [index for index in range(reader.count) if index not in hung]
    handles = {index: reader.device(index, index in known) for index in cards}
    reader.pairs({index: handle for index, handle in handles.items() if handle is not None})


def load(tree: Tree) -> tuple[str, str] | None:
    """Load the library where the binding will find it; status and detail where that fails."""
    try:
        pynvml.nvmlLib = library.load(LIBRARY, not tree.root)
    except library.NotLoaded as error:
        return error.status, str(error)
    return None


def outcome(call: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"value": as_json(call())}
    except pynvml.NVMLError as error:
        return {"error": ERRORS.get(error.value, f"CODE_{error.value}")}


def bind(name: str, *arguments: Any) -> Callable[[], Any]:
    """A call of the binding's function without its decorators, which decode strictly."""
    function = getattr(pynvml, name)
    return partial(getattr(function, "__wrapped__", function), *arguments)


class Reader:
    """Makes the calls, each announced before it is made."""

    def __init__(self, tree: Tree, step: Step, emit: Emit) -> None:
        self.tree = tree
        self.step = step
        self.emit = emit
        self.count = 0
        self.pids: set[int] = set()  # whose processes have been read

    def system(self) -> None:
        for name in calls.SYSTEM:
            self.step(name)
            result = outcome(bind(name))
            self.emit("system", name, result)
            if name == "nvmlDeviceGetCount":
                self.count = int(result.get("value", 0))

    def device(self, index: int, is_known: bool) -> Any:
        """Read one card; its handle, or None where the driver gives none."""
        self.step(f"gpu {index}: nvmlDeviceGetHandleByIndex")
        handles: list[Any] = []
        got = outcome(lambda: handles.append(bind("nvmlDeviceGetHandleByIndex", index)()))
        if "error" in got:
            self.emit("devices", str(index), "handle_error", got["error"])
            return None
        if not is_known:
            for name, call in device_calls(handles[0]):
                self.step(f"gpu {index}: {name}")
                result = outcome(call)
                self.emit("devices", str(index), "calls", name, result)
                if name.endswith("RunningProcesses_v3"):
                    self.processes(result.get("value", ()))
        return handles[0]

    def processes(self, listed: Any) -> None:
        """What /proc says of each process; empty where it is gone or hidden."""
        for pid in {process["pid"] for process in listed} - self.pids:
            self.pids.add(pid)
            for name in ("comm", "cgroup", "stat"):
                path = f"/proc/{pid}/{name}"
                self.step(path)
                try:
                    text = self.tree.read(path).decode("utf-8", "replace").rstrip("\n")
                except OSError:  # gone, or of another PID namespace: the record stays empty
                    text = ""
                self.emit("processes", str(pid), name, text)

    def pairs(self, handles: dict[int, Any]) -> None:
        pairs = ((one, two) for one in handles for two in handles if one != two)
        for one, two in pairs:
            if one < two:
                self.pair("nvmlDeviceGetTopologyCommonAncestor", handles, (one, two))
            for word, value in calls.P2P_CAPS.items():
                self.pair("nvmlDeviceGetP2PStatus", handles, (one, two, word), value)

    def pair(self, name: str, handles: dict[int, Any], key: tuple[Any, ...], *last: int) -> None:
        label = f"{name}({','.join(map(str, key))})"
        self.step(label)
        self.emit("system", label, outcome(bind(name, handles[key[0]], handles[key[1]], *last)))


def device_calls(handle: Any) -> Iterator[Call]:
    for name in calls.DEVICE:
        yield name, bind(name, handle)
    for name, constants in calls.DEVICE_BY_CONSTANT.items():
        for word, value in constants.items():
            yield f"{name}({word})", bind(name, handle, value)
    for kind, kind_value in calls.ECC_TYPE.items():
        for counter, counter_value in calls.ECC_COUNTER.items():
            yield from ecc_calls(handle, f"{kind},{counter}", kind_value, counter_value)
    yield from struct_calls(handle)
    for word, field in calls.FIELD.items():
        yield f"nvmlDeviceGetFieldValues({word})", partial(field_value, handle, field)
    for fan in range(count(bind("nvmlDeviceGetNumFans", handle))):
        yield f"nvmlDeviceGetFanSpeed_v2({fan})", bind("nvmlDeviceGetFanSpeed_v2", handle, fan)
    yield from link_calls(handle)


def ecc_calls(handle: Any, words: str, *kind: int) -> Iterator[Call]:
    yield (
        f"nvmlDeviceGetTotalEccErrors({words})",
        bind("nvmlDeviceGetTotalEccErrors", handle, *kind),
    )
    name = "nvmlDeviceGetMemoryErrorCounter"
    for place, value in calls.ECC_LOCATION.items():
        yield f"{name}({words},{place})", bind(name, handle, *kind, value)


def struct_calls(handle: Any) -> Iterator[Call]:
    """Those that want a version, or fill a structure of the caller."""
    name = "nvmlDeviceGetMemoryInfo"
    yield name + "_v2", bind(name, handle, pynvml.nvmlMemory_v2)
    for name, structure in (
        ("nvmlDeviceGetSramEccErrorStatus", pynvml.c_nvmlEccSramErrorStatus_v1_t),
        ("nvmlDeviceGetGpuFabricInfoV", pynvml.c_nvmlGpuFabricInfo_v2_t),
    ):
        yield name, partial(filled, name, handle, structure)


def filled(name: str, handle: Any, structure: Any) -> Any:
    value = structure()
    bind(name, handle, ctypes.byref(value))()
    return value


def field_value(handle: Any, field: int) -> Any:
    value = bind("nvmlDeviceGetFieldValues", handle, [field])()[0]
    if value.nvmlReturn != 0:
        raise pynvml.NVMLError(value.nvmlReturn)
    return getattr(value.value, calls.FIELD_MEMBER.get(value.valueType, "ullVal"))


def count(call: Callable[[], Any]) -> int:
    """How many there are, 0 where the card does not say."""
    return min(int(outcome(call).get("value", 0)), calls.MAX_LINKS)


def link_calls(handle: Any) -> Iterator[Call]:
    """Each link of NVLink; a card without any is asked for its first one's state alone."""
    links = count(partial(field_value, handle, calls.FIELD["NVLINK_LINK_COUNT"]))
    if not links:
        yield "nvmlDeviceGetNvLinkState(0)", bind("nvmlDeviceGetNvLinkState", handle, 0)
    for link in range(links):
        for name in calls.LINK:
            yield f"{name}({link})", bind(name, handle, link)
        name = "nvmlDeviceGetNvLinkErrorCounter"
        for word, value in calls.LINK_ERROR.items():
            yield f"{name}({link},{word})", bind(name, handle, link, value)


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
