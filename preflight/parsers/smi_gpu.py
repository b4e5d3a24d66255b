"""One card's facts from its fields, whatever the driver's age called them.

Where two paths are given, the first is the XML's name, the others the text's or older ones.
"""

from __future__ import annotations

from typing import Any

from preflight.parsers import pci_address
from preflight.parsers.smi_ecc import (
    ecc_errors,
    ecc_uncorrected,
    remapped_rows,
    remapper_banks,
    retired_pages,
)
from preflight.parsers.smi_field import Field, flag, identifier, is_error, number, word

Json = dict[str, Any]

_LINK = "pci/pci_gpu_link_info"
_LINK_TEXT = "pci/gpu_link_info"
_POWER = ("gpu_power_readings", "gpu_power_readings/gpu_ceiling_power_limit", "power_readings")

_THROTTLE = {
    "applications_clocks_setting": "applications_clocks",
    "user_defined_clocks": "applications_clocks",  # until about driver 352
    "sw_power_cap": "sw_power_cap",
    "hw_slowdown": "hw_slowdown",
    "hw_thermal_slowdown": "hw_thermal",
    "hw_power_brake_slowdown": "hw_power_brake",
    "sync_boost": "sync_boost",
    "sw_thermal_slowdown": "sw_thermal",
    "display_clocks_setting": "display_clocks",
    "display_clock_setting": "display_clocks",
}
# Healthy cards on driver 560 print it there.
_ERROR_IS_DATA = frozenset({"addressing_mode"})


def gpu_facts(gpu: Field) -> Json:
    """Units are in the names; None for what was not told, `query_errors` where it failed."""
    return _identity(gpu) | _pcie(gpu) | _memory(gpu) | _power_and_heat(gpu) | _state(gpu)


def _identity(gpu: Field) -> Json:
    device = identifier(gpu.at("pci/pci_device_id", "pci/device_id"))
    subsystem = identifier(gpu.at("pci/pci_sub_system_id", "pci/sub_system_id"))
    address = gpu.at("id", "pci/pci_bus_id", "pci/bus_id")
    return {
        "name": word(gpu.at("product_name")),
        "uuid": word(gpu.at("uuid", "gpu_uuid")),
        "pci": pci_address.normal(address.value) if address else None,
        "minor_number": number(gpu.at("minor_number")),
        "serial": word(gpu.at("serial", "serial_number")),
        "vbios": word(gpu.at("vbios_version")),
        "board_part_number": word(gpu.at("board_part_number")),
        "device_id": device[0] if device else None,
        "subsystem_id": f"{subsystem[1]}:{subsystem[0]}" if subsystem else None,
        "gsp_firmware": word(gpu.at("gsp_firmware_version")),
    }


def _pcie(gpu: Field) -> Json:
    def link(xml: str, text: str) -> int | float | None:
        return number(gpu.at(f"{_LINK}/{xml}", f"{_LINK_TEXT}/{text}"))

    both_max = link("pcie_gen/max_link_gen", "pcie_generation/max")
    card_max = link("pcie_gen/max_device_link_gen", "pcie_generation/device_max")
    return {
        "pcie_gen": {
            "current": link("pcie_gen/current_link_gen", "pcie_generation/current"),
            "max": card_max if both_max is None else both_max,
        },
        "pcie_width": {
            "current": link("link_widths/current_link_width", "link_width/current"),
            "max": link("link_widths/max_link_width", "link_width/max"),
        },
        "pcie_device_gen_max": card_max,
        "pcie_host_gen_max": link("pcie_gen/max_host_link_gen", "pcie_generation/host_max"),
        "replay_counter": number(gpu.at("pci/replay_counter", "pci/replays_since_reset")),
    }


def _memory(gpu: Field) -> Json:
    return {
        "memory_mib": number(gpu.at("fb_memory_usage/total")),
        "memory_used_mib": number(gpu.at("fb_memory_usage/used")),
        "memory_reserved_mib": number(gpu.at("fb_memory_usage/reserved")),
        "bar1_mib": number(gpu.at("bar1_memory_usage/total")),
        "ecc_mode": flag(gpu.at("ecc_mode/current_ecc", "ecc_mode/current")),
        "ecc_mode_pending": flag(gpu.at("ecc_mode/pending_ecc", "ecc_mode/pending")),
        "ecc": ecc_errors(gpu),
        "ecc_uncorrected": ecc_uncorrected(gpu),
        "remapped_rows": remapped_rows(gpu),
        "remapper_banks": remapper_banks(gpu),
        "retired_pages": retired_pages(gpu),
    }


def _power_and_heat(gpu: Field) -> Json:
    def watts(*names: str) -> int | float | None:
        """The first that holds a number, or an error: a field may be there and say N/A."""
        fields = (gpu.at(f"{section}/{name}") for name in names for section in _POWER)
        telling = (
            one for one in fields if number(one) is not None or (one and is_error(one.value))
        )
        return number(next(telling, None))

    def celsius(*names: str) -> int | float | None:
        return number(gpu.at(*(f"temperature/{name}" for name in names)))

    return {
        "power_w": watts(
            "power_draw", "instant_power_draw", "instantaneous_power_draw", "average_power_draw"
        ),
        "power_limit_w": watts("current_power_limit", "enforced_power_limit", "power_limit"),
        "power_limit_requested_w": watts("requested_power_limit", "power_limit"),
        "power_limit_default_w": watts("default_power_limit"),
        "power_limit_min_w": watts("min_power_limit"),
        "power_limit_max_w": watts("max_power_limit"),
        "temperature_c": celsius("gpu_temp", "gpu_current_temp"),
        "temperature_slowdown_c": celsius("gpu_temp_slow_threshold", "gpu_slowdown_temp"),
        "temperature_shutdown_c": celsius("gpu_temp_max_threshold", "gpu_shutdown_temp"),
        "temperature_margin_c": celsius("gpu_temp_tlimit", "gpu_t_limit_temp"),
        "memory_temperature_c": celsius("memory_temp", "memory_current_temp"),
        "memory_temperature_max_c": celsius(
            "gpu_temp_max_mem_threshold", "memory_max_operating_temp"
        ),
        "fan_percent": number(gpu.at("fan_speed")),
    }


def _state(gpu: Field) -> Json:
    return {
        "throttle": _throttle(gpu),
        "pstate": word(gpu.at("performance_state")),
        "utilization_percent": number(gpu.at("utilization/gpu_util", "utilization/gpu")),
        "persistence_mode": flag(gpu.at("persistence_mode")),
        "mig_mode": flag(gpu.at("mig_mode/current_mig", "mig_mode/current")),
        "compute_mode": word(gpu.at("compute_mode")),
        "display_active": flag(gpu.at("display_active")),
        "virtualization_mode": word(gpu.at("gpu_virtualization_mode/virtualization_mode")),
        "recovery_action": word(gpu.at("gpu_recovery_action")),
        "processes": _processes(gpu.at("processes")),
        "query_errors": [
            path
            for path, value in gpu.leaves()
            if is_error(value)
            and path not in _ERROR_IS_DATA
            and not path.startswith(("processes/", "accounted_processes/"))
        ],
    }


def _throttle(gpu: Field) -> list[str] | None:
    """Reasons active now; None where none could be read, or none is active and one failed."""
    reasons = gpu.at("clocks_event_reasons", "clocks_throttle_reasons")
    states = (
        [(path.rsplit("/", 1)[-1], value) for path, value in reasons.leaves()] if reasons else []
    )
    known = [(name, flag(Field(name, value))) for name, value in states]
    active = [_THROTTLE.get(name.split("_reason_")[-1]) for name, is_on in known if is_on]
    failed = any(is_error(value) for _, value in states)
    if not active and (failed or all(is_on is None for _, is_on in known)):
        return None
    return list(dict.fromkeys(reason for reason in active if reason))


def _processes(listed: Field | None) -> list[Json] | None:
    """Empty where the tool says there are none, None where it cannot tell."""
    if listed is None or (not listed.children and listed.value not in ("", "None")):
        return None
    if any(child.name == "process_info" for child in listed.children):
        return [_process(info) for info in listed.children]
    found = [child for child in listed.children if child.name == "process_id"]
    return [_process(Field("", "", [Field("pid", one.value), *one.children])) for one in found]


def _process(info: Field) -> Json:
    return {
        "pid": number(info.at("pid")),
        "name": word(info.at("process_name", "name")),
        "type": word(info.at("type")),
        "memory_mib": number(info.at("used_memory", "used_gpu_memory")),
    }
