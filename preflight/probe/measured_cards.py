"""Which cards there are to measure, and who else is on them, as NVML has just told."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMPUTE = "nvmlDeviceGetComputeRunningProcesses_v3"
USERS = (COMPUTE, "nvmlDeviceGetMPSComputeRunningProcesses_v3")
MEMORY = ("nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo")
# The driver, or this card, knows no such question: another one may tell.
UNKNOWN_TO_IT = ("FUNCTION_NOT_FOUND", "NOT_SUPPORTED", "ARGUMENT_VERSION_MISMATCH")
DISPLAY = "nvmlDeviceGetGraphicsRunningProcesses_v3"
HIDDEN_MIB = 500  # as check gpu-in-use has it
LINKED = "nvmlDeviceGetP2PStatus("  # (0,1,NVLINK)


class Cards:
    """Of the `nvml` source: addresses, who uses which of them, and those cut by MIG."""

    def __init__(self, results: dict[str, dict[str, Any]]) -> None:
        source = results.get("nvml", {})
        processes = source.get("processes", {})
        self.nccl = libraries(results.get("libraries", {}), "libnccl.so")
        self.pcis: list[str] = []
        self.in_use: dict[str, str] = {}
        self.with_mig: set[str] = set()
        self.with_nvlink: set[frozenset[str]] = set()  # pairs
        at: dict[str, str] = {}  # NVML's index -> address
        for device in source.get("devices", ()):
            calls = device.get("calls", {})
            pci = address(value(calls, "nvmlDeviceGetPciInfo_v3") or {})
            if not pci:
                continue
            self.pcis.append(pci)
            at[str(device.get("index"))] = pci
            if words := users(calls, processes):
                self.in_use[pci] = words
            if (value(calls, "nvmlDeviceGetMigMode") or [0])[0] == 1:
                self.with_mig.add(pci)
        for call, result in source.get("system", {}).items():
            if call.startswith(LINKED) and call.endswith("NVLINK)") and result.get("value") == 0:
                ends = call[len(LINKED) :].split(",")[:2]
                self.with_nvlink.add(frozenset(at.get(end, "") for end in ends))


def value(calls: dict[str, Any], name: str) -> Any:
    return calls.get(name, {}).get("value")


def address(info: dict[str, Any]) -> str:
    """NVML writes eight digits of domain, in capitals."""
    domain, _, rest = str(info.get("busId", "")).lower().partition(":")
    return f"{domain[-4:]}:{rest}" if rest else ""


def users(calls: dict[str, Any], processes: dict[str, Any]) -> str:
    """Who computes on a card; empty where nobody does. One that nobody can tell of is not free."""
    pids = {process["pid"] for name in USERS for process in value(calls, name) or ()}
    if pids:
        return ", ".join(named(pid, processes) for pid in sorted(pids))
    taken = used_mib(calls)
    has_screen = value(calls, COMPUTE) is not None and value(calls, DISPLAY)
    if taken is not None and taken > HIDDEN_MIB and not has_screen:
        return f"{taken} MiB taken by processes that are not shown"
    asked = (COMPUTE,) if taken is not None else (COMPUTE, *MEMORY)
    for name in asked:
        error = calls.get(name, {}).get("error", "")
        if error and error not in UNKNOWN_TO_IT:
            return f"nobody can tell who uses it: {name}: {error}"
    is_told = taken is not None or value(calls, COMPUTE) is not None
    return "" if is_told else "nobody can tell who uses it"


def used_mib(calls: dict[str, Any]) -> int | None:
    """By the older question, too, where the driver has not the newer one."""
    found = [memory["used"] for name in MEMORY if (memory := value(calls, name))]
    return int(found[0]) >> 20 if found else None


def named(pid: int, processes: dict[str, Any]) -> str:
    comm = processes.get(str(pid), {}).get("comm", "")
    return f"{comm} (pid {pid})" if comm else f"pid {pid}"


def libraries(source: dict[str, Any], name: str) -> list[str]:
    """Where files of that name lie, or links to them."""
    paths = {*source.get("files", {}), *source.get("links", {})}
    return sorted(path for path in paths if path.rpartition("/")[2].startswith(name))
