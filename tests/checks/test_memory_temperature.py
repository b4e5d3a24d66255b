from __future__ import annotations

import pytest

from preflight.checks.memory_temperature import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "temperature, maximum, status",
    [
        (38, 95, PASS),
        (85, 95, PASS),
        (86, 95, WARN),
        (95, 95, WARN),
        (96, 95, FAIL),
        (99, 110, PASS),
        (85, None, PASS),  # an H200 tells no maximum
        (86, None, WARN),
        (96, None, FAIL),
    ],
)
def test_margin(temperature: int, maximum: int | None, status: Status) -> None:
    finding = check(Limits(), memory_temperature_c=temperature, memory_temperature_max_c=maximum)
    assert (finding.status, finding.measured) == (status, temperature)


@pytest.mark.parametrize(
    "temperature, words",
    [
        (85, "memory at 85 °C, 10 below its maximum of 95"),
        (95, "memory at 95 °C, 0 below its maximum of 95"),
        (96, "memory at 96 °C, above its maximum of 95"),
    ],
)
def test_the_way_to_the_maximum_is_told(temperature: int, words: str) -> None:
    finding = check(Limits(), memory_temperature_c=temperature)
    assert (finding.message, finding.expected) == (words, 85)
