"""Values that no card has ever had are not understood: neither do they pass, nor do they fail."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.capture import Capture
from preflight.facts import Gpu, Missing
from preflight.understand import understand
from tests.understand.build import ADDRESSES, bare, command

HUGE = 10**18


def card(capture: Capture) -> Gpu:
    found = understand(capture).gpus
    assert isinstance(found, tuple)
    return found[0]


def smi_card(fields: str) -> Gpu:
    """A card of which nvidia-smi alone tells these fields."""
    listing = f'<nvidia_smi_log><attached_gpus>1</attached_gpus><gpu id="{ADDRESSES[0]}">{fields}'
    return card(bare().capture(nvml=None, smi_q=command(f"{listing}</gpu></nvidia_smi_log>")))


def is_not_parsed(value: object) -> bool:
    return isinstance(value, Missing) and value.reason == "not-parsed"


@pytest.mark.parametrize(
    "call, fact",
    [
        ("EnforcedPowerLimit", "power_limit_w"),
        ("PowerManagementDefaultLimit", "power_limit_default_w"),
        ("PowerUsage", "power_draw_w"),
        ("Temperature(GPU)", "temperature_c"),
        ("TemperatureThreshold(SLOWDOWN)", "temperature_slowdown_c"),
    ],
)
@pytest.mark.parametrize("value", [-450_000, HUGE])
def test_by_nvml(call: str, fact: str, value: Any) -> None:
    assert is_not_parsed(getattr(card(bare(**{call: value}).capture()), fact))


def test_a_power_limit_of_nothing() -> None:
    assert is_not_parsed(card(bare(EnforcedPowerLimit=0).capture()).power_limit_w)


@pytest.mark.parametrize(
    "field, fact",
    [
        ("<gpu_power_readings><current_power_limit>{}W</current_power_limit>"
         "</gpu_power_readings>", "power_limit_w"),
        ("<temperature><gpu_temp>{}C</gpu_temp></temperature>", "temperature_c"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["-450 ", "1000000000 "])
def test_by_nvidia_smi(field: str, fact: str, value: str) -> None:
    assert is_not_parsed(getattr(smi_card(field.format(value)), fact))
    assert getattr(smi_card(field.format("45 ")), fact) == 45


@pytest.mark.parametrize(
    "call, value, fact",
    [
        ("MemoryInfo", {"total": -1}, "memory_total_mib"),
        ("MemoryInfo", {"total": 0}, "memory_total_mib"),
        ("MemoryInfo", {"total": 1 << 60}, "memory_total_mib"),
        ("TotalEccErrors(UNCORRECTED,VOLATILE)", -1, "ecc_uncorrectable_volatile"),
        ("TotalEccErrors(UNCORRECTED,VOLATILE)", HUGE, "ecc_uncorrectable_volatile"),
        ("RemappedRows", [-1, 0, 0, 0], "remapped_rows"),
        ("RemappedRows", [0, HUGE, 0, 0], "remapped_rows"),
        ("PcieReplayCounter", -1, "pcie_replays"),
        ("UtilizationRates", {"gpu": 101}, "is_idle"),
        ("UtilizationRates", {"gpu": HUGE}, "is_idle"),
        ("Name", "-1", "name"),
        ("Name", "0", "name"),
        ("Name", "N/A", "name"),
    ],
)
def test_counters_sizes_loads_and_names(call: str, value: Any, fact: str) -> None:
    assert is_not_parsed(getattr(card(bare(**{call: value}).capture()), fact))


@pytest.mark.parametrize(
    "field, fact",
    [
        ("<gpu_recovery_action>{}</gpu_recovery_action>", "recovery_action"),
        ("<product_name>{}</product_name>", "name"),
    ],
)
@pytest.mark.parametrize("value", ["-1", "0"])
def test_a_number_is_no_name(field: str, fact: str, value: str) -> None:
    assert is_not_parsed(getattr(smi_card(field.format(value)), fact))


@pytest.mark.parametrize("value", ["1e308", "1 W or more", "0x10", "1.5.2", "16xx"])
def test_a_number_is_the_whole_field(value: str) -> None:
    width = "<link_widths><current_link_width>{}</current_link_width></link_widths>"
    link = f"<pci><pci_gpu_link_info>{width}</pci_gpu_link_info></pci>"
    limit = "<current_power_limit>{}</current_power_limit>"
    fields = f"{link}<gpu_power_readings>{limit}</gpu_power_readings>"
    good = smi_card(fields.format("16x", "450.00 W"))
    assert (good.pcie_link_width, good.power_limit_w) == (16, 450)
    bad = smi_card(fields.format(value, value))
    assert bad.pcie_link_width != 1
    assert isinstance(bad.power_limit_w, Missing)
