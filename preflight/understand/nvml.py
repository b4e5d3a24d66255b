"""NVML's answers, call by call: a value, or the Missing that its error means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from preflight.capture import Capture, NvmlCall, NvmlDevice, ProcessRecord, plain
from preflight.facts import NOT_COLLECTED, Fact, Missing, MissingReason
from preflight.parsers.pci_address import normal
from preflight.understand.picking import converted
from preflight.understand.sources import failure

T = TypeVar("T")

_REASONS: Mapping[str, MissingReason] = {
    "NOT_SUPPORTED": "not-supported",
    "VGPU_ECC_NOT_SUPPORTED": "not-supported",
    "FUNCTION_NOT_FOUND": "not-supported",
    "ARGUMENT_VERSION_MISMATCH": "not-supported",
    "DEPRECATED": "not-supported",
    "NO_PERMISSION": "not-permitted",
    "TIMEOUT": "timed-out",
    "GPU_IS_LOST": "gpu-lost",
}

# Errors that say something of the question or of the product, nothing of the card's health.
_HARMLESS = frozenset(
    {
        "NOT_SUPPORTED",
        "VGPU_ECC_NOT_SUPPORTED",
        "NO_PERMISSION",
        "FUNCTION_NOT_FOUND",  # an older driver's library has no such call
        "ARGUMENT_VERSION_MISMATCH",  # nor such a version of the structure
        "DEPRECATED",
        "INVALID_ARGUMENT",  # fans of a card without, link 12 of a card with 4
        "INSUFFICIENT_SIZE",  # our buffer was too small
        "NOT_FOUND",
        "NO_DATA",
        "FREQ_NOT_SUPPORTED",
    }
)

# Calls that fail on healthy cards: seen on two idle H200 under driver 580, except where said.
_EXPECTED: Mapping[str, frozenset[str]] = {
    "nvmlDeviceGetConfComputeGpuCertificate": frozenset({"UNKNOWN"}),
    "nvmlDeviceGetLastBBXFlushTime": frozenset({"NOT_READY"}),
    # nvidia-smi of 560 drivers prints "Addressing Mode: Unknown Error" for cards that work
    "nvmlDeviceGetAddressingMode": frozenset({"UNKNOWN"}),
}


def error_fact(error: str) -> Missing:
    """What an NVML error means for the value that was asked for."""
    return Missing(_REASONS.get(error, "tool-failed"), plain(error)[:60])


@dataclass(frozen=True)
class NvmlCard:
    """One card's calls; where there are none, `why` says why every one is missing."""

    calls: Mapping[str, NvmlCall] = field(default_factory=dict)
    why: Missing = NOT_COLLECTED
    index: int | None = None
    handle_error: str | None = None

    @property
    def answers(self) -> bool:
        """At least one call gave a value."""
        return any(call.error is None for call in self.calls.values())

    def get(self, name: str, convert: Callable[[Any], T | None]) -> Fact[T]:
        """The value of nvmlDeviceGet<name>, through `convert`."""
        return converted(self._raw(f"nvmlDeviceGet{name}"), convert)

    def part(self, name: str, key: str | int, convert: Callable[[Any], T | None]) -> Fact[T]:
        """One member of a structure, or one place of a list, that nvmlDeviceGet<name> gave."""
        return converted(self._raw(f"nvmlDeviceGet{name}"), lambda v: convert(member(v, key)))

    def errors(self) -> tuple[str, ...]:
        """Calls that failed as no healthy card's do: "nvmlDeviceGetX: UNKNOWN"."""
        if self.handle_error is not None:
            return (f"nvmlDeviceGetHandleByIndex({self.index}): {plain(self.handle_error)[:60]}",)
        return tuple(
            f"{plain(name)[:80]}: {plain(call.error)[:60]}"
            for name, call in sorted(self.calls.items())
            if call.error is not None and _counts(name, call.error)
        )

    def has_error(self, error: str) -> bool:
        if self.handle_error == error:
            return True
        return any(call.error == error for call in self.calls.values())

    def _raw(self, name: str) -> Fact[Any]:
        call = self.calls.get(name)
        if call is None:
            return self.why
        return call.value if call.error is None else error_fact(call.error)


@dataclass(frozen=True)
class Nvml:
    """The library's answers for the whole host; `why` where it gave none."""

    why: Missing | None
    system: Mapping[str, NvmlCall] = field(default_factory=dict)
    devices: tuple[NvmlDevice, ...] = ()
    processes: Mapping[str, ProcessRecord] = field(default_factory=dict)

    def get(self, name: str, convert: Callable[[Any], T | None]) -> Fact[T]:
        """The value of a call that speaks of no single card, by its whole name."""
        call = self.system.get(name)
        if call is None:
            return self.why or NOT_COLLECTED
        return converted(call.value if call.error is None else error_fact(call.error), convert)

    def by_address(self) -> dict[str, NvmlDevice]:
        """The devices that say where they are."""
        placed = ((_address(device), device) for device in self.devices)
        return {pci: device for pci, device in placed if pci is not None}

    def unplaced(self) -> tuple[NvmlDevice, ...]:
        """The devices that were counted and do not say where they are, by index."""
        lost = (device for device in self.devices if _address(device) is None)
        return tuple(sorted(lost, key=lambda device: device.index))


def nvml(capture: Capture, name: str = "nvml") -> Nvml:
    source = capture.sources.get(name)
    if source is None:
        return Nvml(NOT_COLLECTED)
    why = failure(source)
    if why is None and not source.system and not source.devices:
        return Nvml(Missing("not-parsed", "NVML was asked nothing"))
    return Nvml(why, source.system, tuple(source.devices), source.processes)


def card(device: NvmlDevice | None, why: Missing) -> NvmlCard:
    """The calls of one device; `why` is what its absent calls are missing for."""
    if device is None:
        return NvmlCard(why=why)
    if device.handle_error is not None:
        error = error_fact(device.handle_error)
        refused = Missing(error.reason, f"nvmlDeviceGetHandleByIndex: {error.detail}")
        return NvmlCard({}, refused, device.index, device.handle_error)
    return NvmlCard(device.calls, why, device.index)


def member(value: Any, key: str | int) -> Any:
    """A member of an object or a place of a list, None where there is none."""
    if isinstance(key, str):
        return value.get(key) if isinstance(value, dict) else None
    return value[key] if isinstance(value, list) and len(value) > key else None


def _counts(name: str, error: str) -> bool:
    return error not in _HARMLESS and error not in _EXPECTED.get(name, frozenset())


def _address(device: NvmlDevice) -> str | None:
    for name, call in device.calls.items():
        if name.startswith("nvmlDeviceGetPciInfo") and call.error is None:
            bus = member(call.value, "busId")
            return normal(bus) if isinstance(bus, str) else None
    return None
