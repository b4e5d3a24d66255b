"""Cards at rest, before the first load: temperature, power, use and performance state, by NVML."""

from __future__ import annotations

import time

from preflight.probe import nvml
from preflight.probe.link import open_card

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from preflight.probe.record import Record

EVERY_S = 0.5


def rest(pcis: list[str], window_s: float, record: Record) -> None:
    handles = {pci: open_card(pci) for pci in pcis}
    known = {pci: handle for pci, handle in handles.items() if handle is not None}
    seen: dict[str, dict[str, list[Any]]] = {pci: {} for pci in known}
    record.announce("rest")
    start = time.monotonic()
    while known:
        for pci, handle in known.items():
            for name, value in sampled(handle).items():
                seen[pci].setdefault(name, []).append(value)
        if time.monotonic() - start >= window_s:
            break
        time.sleep(EVERY_S)
        record.announce("rest")
    for pci in pcis:
        with record("rest", method="NVML", pci=pci) as entry:
            if pci not in known:
                entry.status, entry.detail = "tool-absent", "NVML does not give it"
            else:
                entry.values.update(seen[pci], window_s=round(time.monotonic() - start, 2))


def sampled(handle: Any) -> dict[str, Any]:
    """What the card answers; a reading that it does not give is left out."""
    readings = {
        "temperature_c": nvml.bind("nvmlDeviceGetTemperature", handle, 0),
        "power_w": nvml.bind("nvmlDeviceGetPowerUsage", handle),
        "utilization_percent": nvml.bind("nvmlDeviceGetUtilizationRates", handle),
        "pstate": nvml.bind("nvmlDeviceGetPerformanceState", handle),
    }
    found = {name: nvml.outcome(call) for name, call in readings.items()}
    values = {name: result["value"] for name, result in found.items() if "value" in result}
    if "power_w" in values:
        values["power_w"] /= 1000
    if "utilization_percent" in values:
        values["utilization_percent"] = values["utilization_percent"]["gpu"]
    return values
