from __future__ import annotations

import pytest

from preflight.checks.cpu_governor import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "governor, driver, preference, status",
    [
        ("performance", "acpi-cpufreq", "", PASS),
        ("schedutil", "amd-pstate", "", PASS),
        ("ondemand", "acpi-cpufreq", "", PASS),
        ("powersave", "acpi-cpufreq", "", WARN),
        ("powersave", "amd-pstate", "", WARN),  # its passive mode
        ("powersave", "", "", WARN),
        ("powersave", "intel_pstate", "balance_performance", PASS),
        ("powersave", "intel_pstate", "", PASS),
        ("powersave", "amd-pstate-epp", "power", WARN),
        ("powersave", "intel_pstate", "balance_power", WARN),
        ("performance", "intel_pstate", "power", PASS),
    ],
)
def test_governor(governor: str, driver: str, preference: str, status: Status) -> None:
    told = {"cpu_frequency_driver": driver, "cpu_energy_preference": preference}
    assert check(Limits(), cpu_governor=governor, **told).status is status
