"""Run a probe as if on the machine that materialise.py wrote: launcher.py ROOT PROBE.pyz [ARG…]

Stands alone (`python3 -I launcher.py`) and knows nothing of the probe but that it loads NVML with
ctypes: the library that it gets is an object here, which fills the caller's structures with what
was recorded, call by call, or returns the recorded error. The probe is the very file that goes
to hosts.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import importlib
import json
import os
import runpy
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

LIBRARY = "libnvidia-ml.so.1"
ABSENT = f"{LIBRARY}: cannot open shared object file: No such file or directory"
STAGE = ".simulated.json"
# C function -> the binding's function by whose name it is recorded, where they differ.
RECORDED_AS = {
    "nvmlDeviceGetCount_v2": "nvmlDeviceGetCount",
    "nvmlDeviceGetC2cModeInfoV": "nvmlDeviceGetC2cModeInfoV1",
    "nvmlDeviceGetNvLinkRemotePciInfo_v2": "nvmlDeviceGetNvLinkRemotePciInfo",
}
LISTS = ("RunningProcesses_v3", "RetiredPages_v2")  # asked for their length first
UNSIGNED_LONG_LONG, SIGNED_LONG_LONG = 3, 4  # nvmlFieldValue_t.valueType

Call = dict[str, Any]


class Nvml:
    """libnvidia-ml.so.1 of the simulated machine."""

    def __init__(self, recorded: Mapping[str, Any]) -> None:
        self.hangs = recorded["status"] == "timed-out"
        refused = recorded["status"] == "tool-failed"
        self.init = recorded.get("detail", "UNKNOWN") if refused else "SUCCESS"
        self.words = constants()
        self.system = self.by_arguments(recorded.get("system", {}))
        self.handles: list[str] = []
        self.devices: list[dict[tuple[Any, ...], Call]] = []
        for device in recorded.get("devices", ()):
            self.handles.append(device.get("handle_error") or "SUCCESS")
            self.devices.append(self.by_arguments(device.get("calls", {})))

    def by_arguments(self, calls: Mapping[str, Call]) -> dict[tuple[Any, ...], Call]:
        """`nvmlDeviceGetX(SHUTDOWN)` -> the function and the numbers it is called with."""
        found = {}
        for key, call in calls.items():
            name, _, words = key.rstrip(")").partition("(")
            numbers = [self.number(word) for word in words.split(",") if word]
            found[(name, *numbers)] = call
        return found

    def number(self, word: str) -> int:
        return int(word) if word.isdigit() else self.words[word]

    def __getattr__(self, name: str) -> Callable[..., int]:
        if not name.startswith("nvml"):
            raise AttributeError(name)
        return functools.partial(self.call, name)

    def call(self, function: str, *arguments: Any) -> int:
        """One call of C: fills what the arguments point to and returns NVML's code."""
        if function == "nvmlInitWithFlags":
            return code(self.init)
        if function == "nvmlDeviceGetHandleByIndex_v2":
            return self.handle(arguments[0].value, target(arguments[1]))
        if function == "nvmlDeviceGetFieldValues":
            return self.fields(index_of(arguments[0]), target(arguments[2]))
        name = RECORDED_AS.get(function, function)
        cards = [index_of(argument) for argument in arguments if is_handle(argument)]
        numbers, targets = split(arguments[len(cards) :])
        if len(cards) == 1:
            call = self.find(self.devices[cards[0]], (name, *numbers))
        else:
            call = self.find(self.system, (name, *cards, *numbers))
        if "error" in call:
            return code(call["error"])
        if name.endswith(LISTS):
            return fill_list(call["value"], targets)
        if targets:
            fill(call["value"], targets)
        return code("SUCCESS")

    def handle(self, index: int, out: Any) -> int:
        ctypes.c_void_p.from_buffer(out).value = index + 1
        return code(self.handles[index])

    def fields(self, card: int, values: Any) -> int:
        for value in values:
            call = self.find(self.devices[card], ("nvmlDeviceGetFieldValues", value.fieldId))
            value.nvmlReturn = code(call.get("error", "SUCCESS"))
            number = call.get("value", 0)
            if isinstance(number, float):
                value.valueType, value.value.dVal = 0, number
            elif number < 0:
                value.valueType, value.value.sllVal = SIGNED_LONG_LONG, number
            else:
                value.valueType, value.value.ullVal = UNSIGNED_LONG_LONG, number
        return code("SUCCESS")

    def find(self, calls: Mapping[tuple[Any, ...], Call], key: tuple[Any, ...]) -> Call:
        """What was recorded; a call that was never answered hangs again."""
        while self.hangs and key not in calls:
            time.sleep(3600)
        return calls.get(key, {"error": "FUNCTION_NOT_FOUND"})


def constants() -> dict[str, int]:
    """The words that stand for arguments in a recorded name, out of the probe's own tables."""
    table = vars(importlib.import_module("preflight.probe.nvml_calls"))
    words: dict[str, int] = {}
    for found in table.values():
        if isinstance(found, dict):
            words.update((w, n) for w, n in found.items() if isinstance(n, int))
    return words


def code(error: str) -> int:
    """NVML's number of an error's name."""
    if error.startswith("CODE_"):
        return int(error[len("CODE_") :])
    name = "NVML_SUCCESS" if error == "SUCCESS" else f"NVML_ERROR_{error}"
    number: int = getattr(importlib.import_module("pynvml"), name)
    return number


def is_handle(argument: Any) -> bool:
    return isinstance(argument, ctypes._Pointer)


def index_of(handle: Any) -> int:
    return (ctypes.c_void_p.from_buffer(handle).value or 0) - 1


def target(argument: Any) -> Any:
    """What byref(x) points to, or a buffer itself."""
    return getattr(argument, "_obj", argument)


def split(arguments: tuple[Any, ...]) -> tuple[list[int], list[Any]]:
    """The numbers before the first result, and where results go; sizes behind them are dropped."""
    numbers: list[int] = []
    targets: list[Any] = []
    for argument in arguments:
        if hasattr(argument, "_obj") or isinstance(argument, ctypes.Array):
            targets.append(target(argument))
        elif argument is not None and not targets:
            numbers.append(getattr(argument, "value", argument))
    return numbers, targets


def fill(value: Any, targets: list[Any]) -> None:
    """Give one value to one result, or a list to several, in NVML's order."""
    (first, *_) = targets
    if isinstance(first, ctypes.Structure):
        fill_structure(first, value)
    elif isinstance(first, ctypes.Array):
        first.value = value.encode()
    else:
        values = value if isinstance(value, list) else [value]
        for one, item in zip(targets, values, strict=True):
            one.value = item


def fill_structure(structure: Any, value: Any) -> None:
    """An object fills the members that it names, anything else the last ones."""
    names = [field[0] for field in structure._fields_]
    values = value if isinstance(value, list) else [value]
    named = (
        value if isinstance(value, dict) else dict(zip(names[-len(values) :], values, strict=True))
    )
    for name, item in named.items():
        member = type(structure).__dict__[name]
        if isinstance(item, list):
            member.__get__(structure)[:] = item
        else:
            member.__set__(structure, item.encode() if isinstance(item, str) else item)


def fill_list(value: list[Call], targets: list[Any]) -> int:
    """The length alone where there is no room for the list, as NVML does."""
    count, *arrays = targets
    if value and not arrays:
        count.value = len(value)
        return code("INSUFFICIENT_SIZE")
    count.value = len(value)
    for place, item in enumerate(value):
        if isinstance(arrays[0][place], ctypes.Structure):
            no_figure = {key: -1 if part is None else part for key, part in item.items()}
            fill_structure(arrays[0][place], no_figure)
        else:
            arrays[0][place], arrays[1][place] = item["address"], item["timestamp"]
    return code("SUCCESS")


def simulate_nvml(recorded: Mapping[str, Any] | None) -> None:
    """What ctypes.CDLL gives for NVML is the simulated machine's, or missing there."""
    real = ctypes.CDLL

    def load(name: Any, *arguments: Any, **options: Any) -> Any:
        if name != LIBRARY:
            return real(name, *arguments, **options)
        if recorded is None or recorded["status"] == "tool-absent":
            raise OSError(ABSENT)
        return Nvml(recorded)

    ctypes.CDLL = load  # type: ignore[misc, assignment]


def simulate_errors(root: str, errors: Mapping[str, str]) -> None:
    """Files that the recorded user could not read cannot be read here either, whoever runs this."""
    real = os.open
    numbers = {
        os.path.realpath(root + path): errno.EACCES
        if word == "not-permitted"
        else getattr(errno, word.rpartition(" ")[2], errno.EIO)
        for path, word in errors.items()
    }

    def opened(path: Any, *arguments: Any, **options: Any) -> int:
        number = numbers.get(os.path.realpath(path))
        if number:
            raise OSError(number, os.strerror(number), path)
        return real(path, *arguments, **options)

    os.open = opened


def main(argv: list[str]) -> None:
    root, probe, *arguments = argv
    with open(os.path.join(root, STAGE), encoding="utf-8") as file:
        stage = json.load(file)
    simulate_nvml(stage["nvml"])
    simulate_errors(root, stage["errors"])
    if stage["uid"] is not None:
        os.geteuid = lambda: int(stage["uid"])
    if not sys.platform.startswith("linux"):
        ctypes.pythonapi.prctl = lambda *_: 0  # type: ignore[assignment]
    sys.argv = [probe, *arguments, "--root", root]
    runpy.run_path(probe, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
