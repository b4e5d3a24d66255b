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
